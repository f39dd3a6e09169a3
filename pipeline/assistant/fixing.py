"""A fix proposed for a finding, and put to the same verification as every fix that is learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from config.errors import UsageError
from pipeline.assistant.answer import Asked, Said, ask
from pipeline.assistant.specialist import Specialist
from pipeline.assistant.verifying import Proposed, Verifier, diff_of, is_verified
from pipeline.dataset import prompts
from pipeline.dataset.examples import Material, codefix
from pipeline.evaluation.fixes import as_fix, propose
from pipeline.models.base import resolve
from pipeline.records import Example, Excerpt, Finding, Fix, FixSource, Outcome, PackageLocation
from pipeline.verification.service import verdict_of

TOKENS = 400
TEMPERATURE = 0.7
SEED = 20_250_917
Answers = Callable[[Asked], tuple[Said, ...]]


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
