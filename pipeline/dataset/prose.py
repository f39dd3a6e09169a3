"""What the analysis specialist learns to answer: sentences that follow from the sources.

Each sentence states a fact of the finding, the excerpt, the passages or a verified fix; one
that has no such fact to state isn't written. Nothing is filled in from general knowledge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import assert_never

import msgspec

from pipeline.dataset.prompts import place, shorten
from pipeline.records import (
    Domain,
    Excerpt,
    FileLocation,
    Finding,
    Fix,
    FixSource,
    ImageLocation,
    PackageLocation,
    Passage,
    UrlLocation,
)

QUOTE_LENGTH = 160
SENTENCE_LENGTH = 360
MESSAGE_SENTENCES = 3
IMPACT_SENTENCES = 2
_FIELDS = re.compile(
    r"^(Package|Installed Version|Vulnerability|Severity|Fixed Version|Link|Resource|Artifact|Type)\b[^\n]*$", re.M
)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"<[^<>]{1,80}>|https?://\S+|^#+[^\n]*$|[*_`|]{2,}|^[-=|: ]+$", re.M)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=[-*] )")
_NOISE = re.compile(r"^(Autofix|References?|Patches|Workarounds?|Summary|Details|Impact)\b:?|\bPro rules\b", re.I)
FIX_KINDS = {
    Domain.SAST: "code",
    Domain.API: "code",
    Domain.SCA: "upgrade",
    Domain.IAC: "configuration",
    Domain.CONTAINER: "configuration",
    Domain.DAST: "configuration",
    Domain.SECRETS: "rotate-secret",
}


def verdict_line(finding: Finding, lines: tuple[int, int] | None, *, safe: bool = False) -> str:
    """Return the JSON object that opens an analysis answer: exact facts, scored exactly."""
    head = {
        "cwe": f"CWE-{finding.rule.cwes[0]}" if finding.rule.cwes else None,
        "severity": "info" if safe else str(finding.severity),
        "verdict": "safe" if safe else "vulnerable",
        "lines": list(lines) if lines else None,
        "fix_kind": "none" if safe else fix_kind(finding),
    }
    return msgspec.json.encode(head).decode()


def fix_kind(finding: Finding) -> str:
    """Return what sort of change removes the weakness."""
    if isinstance(finding.location, PackageLocation | ImageLocation):
        upgradable = finding.hints.fixed_versions or isinstance(finding.location, PackageLocation)
        return "upgrade" if upgradable else "configuration"
    return FIX_KINDS[finding.domain]


def explain(finding: Finding, excerpt: Excerpt | None, passages: Sequence[Passage], fix: Fix | None) -> str:
    """Return the explanation of a finding: cause, impact, how it is reached, what to change."""
    said = _new(_plain(finding.message), (), MESSAGE_SENTENCES)
    for text in (finding.rule.help or "", *(passage.text for passage in passages if not passage.found)):
        if impact := _new(_plain(text), said, IMPACT_SENTENCES):
            said += impact
            break
    said += [sentence for sentence in (_reach(finding), _change(finding, fix, said)) if sentence]
    return " ".join([_cause(finding, excerpt), *said])


def explain_safe(finding: Finding, excerpt: Excerpt, fix: Fix) -> str:
    """Return why nothing is to be done in the fixed code, from that code alone: whoever asks sees no other."""
    _, now = changed_lines(fix.before, fix.replacement)
    lines = enumerate(excerpt.text.split("\n"), excerpt.start_line)
    number = next((number for number, line in lines if now and _quote(line) == now), None)
    where = f"`{excerpt.path}`" + (f", in `{excerpt.symbol}`," if excerpt.symbol else "")
    cause = _code_cause(finding, excerpt) if number is None else f"Line {number} of {where} reads `{now}`."
    return f"{cause} {finding.scanner.name} finds nothing of {finding.rule.id} in it: nothing is to be changed."


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """Return the first line that differs between two texts, as it was and as it is ("" when there is none)."""
    old = [line.strip() for line in before.splitlines()]
    new = [line.strip() for line in after.splitlines()]
    gone = [line for line in old if line and line not in new]
    come = [line for line in new if line and line not in old]
    return _quote(gone[0]) if gone else "", _quote(come[0]) if come else ""


def _cause(finding: Finding, excerpt: Excerpt | None) -> str:
    match finding.location:
        case FileLocation():
            return _code_cause(finding, excerpt)
        case PackageLocation(name=name, version=version, path=path):
            pinned = f", named in `{path}`," if path else ""
            return f"`{name}` {version or ''}{pinned} is affected by {_advisory(finding)}.".replace("  ", " ")
        case ImageLocation(image=image, package=package, version=version):
            inside = f"`{package}` {version or ''} in the image `{image}`" if package else f"The image `{image}`"
            return f"{inside} is affected by {_advisory(finding)}.".replace("  ", " ")
        case UrlLocation():
            return f"{finding.scanner.name} saw this at {place(finding)}."
        case _ as never:
            assert_never(never)


def _code_cause(finding: Finding, excerpt: Excerpt | None) -> str:
    if excerpt is None:
        return f"{finding.scanner.name} reports {finding.rule.id} at {place(finding)}."
    first, _ = excerpt.flagged
    lines = excerpt.text.split("\n")
    flagged = lines[first - excerpt.start_line] if 0 <= first - excerpt.start_line < len(lines) else ""
    where = f"Line {first} of `{excerpt.path}`" + (f", in `{excerpt.symbol}`," if excerpt.symbol else "")
    return f"{where} reads `{_quote(flagged)}`." if flagged.strip() else f"{where} is flagged."


def _advisory(finding: Finding) -> str:
    others = [alias for alias in finding.aliases if alias != finding.rule.id][:2]
    return finding.rule.id + (f" ({', '.join(others)})" if others else "")


def _plain(text: str) -> list[str]:
    """Return a text's sentences without Markdown, tags, addresses and a scanner's own field lists."""
    text = _FIELDS.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _MARKUP.sub(" ", text)
    sentences = (" ".join(part.split()) for part in _SENTENCE_END.split(text))
    return [
        _sentence(shorten(part, SENTENCE_LENGTH)) for part in sentences if len(part) > 3 and not _NOISE.search(part)
    ]


def _new(sentences: Sequence[str], said: Sequence[str], most: int) -> list[str]:
    """Return the first sentences that say something not said yet, at most `most`."""
    known = set(_words(" ".join(said)))
    chosen: list[str] = []
    for sentence in sentences:
        words = set(_words(sentence))
        if words and len(words & known) <= 0.5 * len(words):
            chosen.append(sentence)
            known |= words
        if len(chosen) == most:
            break
    return chosen


def _reach(finding: Finding) -> str:
    if len(finding.flow) < 2:
        return ""
    start, end = finding.flow[0], finding.flow[-1]
    return f"Data flows from line {start.line} of `{start.path}` to line {end.line} of `{end.path}`."


def _change(finding: Finding, fix: Fix | None, said: Sequence[str]) -> str:
    if fix is not None and fix.source is not FixSource.ADVISORY:
        was, now = changed_lines(fix.before, fix.replacement)
        if now:
            return f"Replace `{was}` by `{now}`." if was else f"Add `{now}`."
    if finding.hints.fixed_versions:
        return f"Upgrade to {finding.hints.fixed_versions[0]}."
    return " ".join(_new(_plain(finding.hints.fix_text or ""), said, 1))


def _quote(line: str) -> str:
    line = line.strip().replace("`", "'")
    return line if len(line) <= QUOTE_LENGTH else line[:QUOTE_LENGTH] + "…"


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return _capital(text) if text[-1] in ".!?…" else _capital(text) + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]{4,}", text.lower())
