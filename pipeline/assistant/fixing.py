"""A fix proposed for a finding, and put to the same verification as every fix that is learned."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from config.errors import UsageError
from config.settings import Verification
from pipeline.assistant.answer import Asked, Said, ask
from pipeline.assistant.specialist import Specialist
from pipeline.dataset import prompts
from pipeline.dataset.examples import Material, codefix
from pipeline.evaluation.fixes import as_fix, propose
from pipeline.fixes.interface import Snapshot
from pipeline.models.base import resolve
from pipeline.records import Example, Excerpt, Finding, Fix, FixSource, Outcome, PackageLocation, Record, Verdict
from pipeline.verification.change import Stale, apply
from pipeline.verification.packages import judge_coordinate
from pipeline.verification.scanning import rules_in
from pipeline.verification.service import Proposal, Service, verdict_of

TOKENS = 400
TEMPERATURE = 0.7
SEED = 20_250_917
NO_SOURCE = "its source isn't here"
Answers = Callable[[Asked], tuple[Said, ...]]


class Proposed(Record):
    """A fix, the change it makes as a unified diff, and what verification says of it."""

    fix: Fix
    diff: str
    verdict: Verdict


class Verifier(msgspec.Struct, frozen=True):
    """How proposals are verified: in which files, with which scanners, beside which other findings."""

    settings: Verification
    snapshot: Snapshot | None
    source: Path | None
    cache: Path
    findings: Sequence[Finding] = ()

    def judge(self, finding: Finding, fixes: Sequence[Fix]) -> list[Proposed]:
        """Return each fix with its diff and its verdict; one start of the scanner for all."""
        if self.snapshot is None:
            return [Proposed(fix=fix, diff=diff_of(fix), verdict=_unseen(finding, fix)) for fix in fixes]
        own_rules = rules_in([self.source]) if self.source else None
        service = Service(self.settings, self.cache, own_rules, self.findings)
        verdicts = service.verify([Proposal(finding, fix, self.snapshot) for fix in fixes])
        return [
            Proposed(fix=fix, diff=diff_in(finding, fix, self.snapshot), verdict=verdict)
            for fix, verdict in zip(fixes, verdicts, strict=True)
        ]


def question_of_fix(material: Material) -> Example:
    """Return what the code-fix specialist is asked: the flagged lines marked, as in its examples.

    Raises UsageError when there is neither code nor a package to change.
    """
    finding, excerpt = material.finding, material.excerpt
    asked = _flagged(finding, excerpt) if excerpt is not None else _coordinate(finding)
    made = codefix(material, asked, verdict_of(asked, Outcome.UNVERIFIABLE, ""), 0) if asked is not None else None
    if made is None:
        raise UsageError(
            f"Finding {finding.fingerprint[:8]} has no code to change.",
            "Give process_artifacts the --source that was scanned.",
        )
    return made


def proposed(
    material: Material, specialist: Specialist | None, verifier: Verifier, tries: int, answers: Answers = ask
) -> list[Proposed]:
    """Return what was proposed, in order: the specialist's answers until one verifies, then what tools know.

    The first answer is the greedy one, the other `tries` are drawn. Fixes from advisories and tools
    that verified in the run are verified again, in the files as they are now.
    """
    made: list[Proposed] = []
    if specialist is not None:
        made = _of_the_specialist(material, specialist, verifier, tries, answers)
    if not any(map(is_verified, made)):
        known = [fix for fix, _ in material.fixes if fix.source is not FixSource.HISTORY]
        made += verifier.judge(material.finding, known) if known else []
    return made


def is_verified(one: Proposed) -> bool:
    """Tell whether verification confirmed a proposal."""
    return one.verdict.outcome is Outcome.VERIFIED


def diff_in(finding: Finding, fix: Fix, snapshot: Snapshot) -> str:
    """Return the whole change to the file as a unified diff; of a fix that doesn't fit, its lines alone."""
    try:
        change = apply(finding, fix, snapshot)
    except Stale:
        return diff_of(fix)
    return _diff(change.path, change.before.text, change.after.text)


def diff_of(fix: Fix) -> str:
    """Return the replaced lines and the new ones as a unified diff."""
    return _diff(fix.path, fix.before, fix.replacement)


def _of_the_specialist(
    material: Material, specialist: Specialist, verifier: Verifier, tries: int, answers: Answers
) -> list[Proposed]:
    example = question_of_fix(material)
    greedy = Asked(str(resolve(specialist.base).path), specialist.adapter, example.messages[:-1], TOKENS)
    drawn = msgspec.structs.replace(
        greedy, seeds=tuple(SEED + number for number in range(tries - 1)), temperature=TEMPERATURE
    )
    made: list[Proposed] = []
    for asked in (greedy, drawn)[: 1 if tries < 2 else 2]:
        new = _read(example, answers(asked), {one.fix.replacement for one in made})
        waiting = iter(verifier.judge(material.finding, [fix for fix, check in new if check is None]))
        made += [next(waiting) if check is None else _unread(fix, check) for fix, check in new]
        if any(map(is_verified, made)):
            break
    return made


def _read(example: Example, said: Sequence[Said], known: set[str]) -> list[tuple[Fix, str | None]]:
    """Return each new answer as a fix, with why it is none, if so."""
    found = []
    for one in said:
        proposal = propose(example, one.text, finished=one.finished)
        fix = as_fix(example, proposal)
        if fix.replacement not in known:
            known.add(fix.replacement)
            found.append((fix, proposal.check))
    return found


def _unread(fix: Fix, check: str) -> Proposed:
    why = {"empty": "it says nothing", "unfinished": "it has no end", "no-op": "it changes nothing"}
    verdict = verdict_of(fix, Outcome.REFUTED, why.get(check, check), check)
    return Proposed(fix=fix, diff=diff_of(fix), verdict=verdict)


def _unseen(finding: Finding, fix: Fix) -> Verdict:
    if fix.before.strip() and fix.before.strip() == prompts.coordinate(finding):
        return verdict_of(fix, *judge_coordinate(finding, fix))
    return verdict_of(fix, Outcome.UNVERIFIABLE, NO_SOURCE)


def _flagged(finding: Finding, excerpt: Excerpt) -> Fix | None:
    lines = excerpt.text.rstrip("\n").split("\n")
    first, last = excerpt.flagged[0], min(excerpt.flagged[1], excerpt.start_line + len(lines) - 1)
    shown = lines[first - excerpt.start_line : last - excerpt.start_line + 1]
    return _nothing_yet(finding, excerpt.path, (first, last), "".join(f"{line}\n" for line in shown)) if shown else None


def _coordinate(finding: Finding) -> Fix | None:
    named = prompts.coordinate(finding)
    path = finding.location.path if isinstance(finding.location, PackageLocation) else None
    return _nothing_yet(finding, path or "", (1, 1), f"{named}\n") if named else None


def _nothing_yet(finding: Finding, path: str, lines: tuple[int, int], before: str) -> Fix:
    return Fix(
        fingerprint=finding.fingerprint, source=FixSource.MODEL, path=path, start_line=lines[0], end_line=lines[1],
        before=before, replacement="",
    )  # fmt: skip


def _diff(path: str, before: str, after: str) -> str:
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
        )
    )
