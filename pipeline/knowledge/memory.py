"""The repository's own verified fixes: remembered between runs, found again for like findings.

A finding is never shown its own answer: a fix of itself, a fix that says what its own fixes
say, or one whose old lines stand in the finding's own excerpt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from config.errors import Error
from pipeline.knowledge.interface import KnowledgeError
from pipeline.records import Excerpt, Finding, Fix, Record
from pipeline.stage import read_records, synchronise, write_records

MOST = 20_000
"""Fixes kept between runs; of more, those of the newest run stay."""

COMPARED = 300
"""Fixes of one rule that a finding's code is compared with."""

_WORD = re.compile(r"\w+")
Change = tuple[str, str]


class KnownFix(Record):
    """A fix that verification confirmed, kept to be shown for similar findings."""

    finding: Finding
    path: str
    before: str
    replacement: str


def known_fix(finding: Finding, fix: Fix) -> KnownFix:
    """Return what is remembered of a finding and its verified fix."""
    return KnownFix(finding=finding, path=fix.path, before=fix.before, replacement=fix.replacement)


def remember(path: Path, new: Iterable[KnownFix]) -> list[KnownFix]:
    """Add fixes to those in the file and return all, one a finding, the new one where both know it; in one step."""
    fresh = {fix.finding.fingerprint: fix for fix in new}
    kept = {fix.finding.fingerprint: fix for fix in _remembered(path)}
    room = max(0, MOST - len(fresh))
    older = sorted(kept.keys() - fresh.keys())[:room]
    together = fresh | {name: kept[name] for name in older}
    merged = [together[name] for name in sorted(together)]
    if together != kept:
        temporary = path.with_name(f".{path.name}.tmp")
        write_records(temporary, merged)
        synchronise(temporary)
        temporary.replace(path)
    return merged


def _remembered(path: Path) -> list[KnownFix]:
    try:
        return list(read_records(path, KnownFix)) if path.exists() else []
    except Error as error:
        raise KnowledgeError(
            f"The fixes remembered in {path} can't be read: {error.message}",
            "Mend that line, or move the file away: fixes are remembered anew.",
        ) from error


class KnownFixes:
    """All known fixes, with what each finding of a run must not be shown of them.

    `excerpts` and `own` are by fingerprint: the code around a finding, and the changes that
    were mined for it, verified or not.
    """

    def __init__(
        self,
        fixes: Sequence[KnownFix],
        excerpts: Mapping[str, Excerpt] | None = None,
        own: Mapping[str, Collection[Change]] | None = None,
    ) -> None:
        self._excerpts = excerpts or {}
        self._own = own or {}
        self._by_rule: dict[tuple[str, str], list[KnownFix]] = defaultdict(list)
        self._by_path: dict[str, list[KnownFix]] = defaultdict(list)
        self._by_change: dict[str, list[KnownFix]] = defaultdict(list)
        self._names = {fix.finding.fingerprint for fix in fixes}
        for fix in fixes:
            self._by_rule[_rule(fix.finding)].append(fix)
            self._by_path[fix.path].append(fix)
            self._by_change[_saying(fix.before, fix.replacement)].append(fix)

    def answers(self, finding: Finding) -> frozenset[str]:
        """Return the passages that would tell a finding its own answer, by id."""
        own = {finding.fingerprint} & self._names
        for before, replacement in self._own.get(finding.fingerprint, ()):
            own |= {fix.finding.fingerprint for fix in self._by_change.get(_saying(before, replacement), ())}
        excerpt = self._excerpts.get(finding.fingerprint)
        path = excerpt.path if excerpt is not None else getattr(finding.location, "path", None)
        own |= {fix.finding.fingerprint for fix in self._by_path.get(path or "", ()) if _stands_in(fix, excerpt)}
        return frozenset(f"fix:{name}" for name in own)

    def of_the_rule(self, finding: Finding, exclude: Collection[str]) -> str | None:
        """Return the passage of the fix of the same rule whose old code is most like the finding's; None without."""
        fixes = [fix for fix in self._by_rule.get(_rule(finding), ()) if passage_id(fix) not in exclude][:COMPARED]
        if not fixes:
            return None
        code = _words(self._code(finding))
        return passage_id(max(fixes, key=lambda fix: (_likeness(code, _words(fix.before)), passage_id(fix))))

    def _code(self, finding: Finding) -> str:
        excerpt = self._excerpts.get(finding.fingerprint)
        return excerpt.text if excerpt is not None else finding.snippet or finding.message


def passage_id(fix: KnownFix) -> str:
    """Return the id of the passage that shows a fix."""
    return f"fix:{fix.finding.fingerprint}"


def _rule(finding: Finding) -> tuple[str, str]:
    return finding.scanner.name, finding.rule.id


def _saying(before: str, replacement: str) -> str:
    """Return what a change says: its new lines; of a mere deletion, the lines it takes away."""
    return _plain(replacement) or f"-{_plain(before)}"


def _stands_in(fix: KnownFix, excerpt: Excerpt | None) -> bool:
    if excerpt is None:
        return True
    lines = set(_plain(excerpt.text).split("\n"))
    return set(_plain(fix.before).split("\n")) <= lines


def _plain(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return Jaccard's index: shared words / all words."""
    return len(one & other) / max(1, len(one | other))
