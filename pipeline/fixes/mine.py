"""The stage `mine`: fixes for findings, from history, advisories and the tools themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.findings.redaction import Redactor, load_key
from pipeline.fixes.advisory import Advisories
from pipeline.fixes.coordinate import coordinates
from pipeline.fixes.curated import Curated
from pipeline.fixes.hidden import Redact, hide_secrets, secrets_of
from pipeline.fixes.history import History
from pipeline.fixes.interface import Case, Miner, Refusal, Snapshot
from pipeline.fixes.reduction import reduce
from pipeline.fixes.tool import ToolFixes
from pipeline.records import FileLocation, Finding, Fix, FixSource, Verdict
from pipeline.source.tree import MissingCommit, open_tree
from pipeline.stage import Context, Progress, Request, read_records, write_records
from pipeline.verification.scanning import scanning_settings, service_of
from pipeline.verification.service import Proposal

MINERS: tuple[Miner, ...] = (History(), Advisories(), ToolFixes(), Curated())
"""In order of trust; where two propose the same change, the first keeps it."""


class Mine:
    """Stage `mine`: `fixes.jsonl`, with counts of fixes and of reasons by source."""

    name = "mine"
    needs = ("parse", "locate")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return which sources are read, by digest."""
        return {
            "source": msgspec.to_builtins(settings.source),
            "digests": [request.source_digest, request.earlier_source_digest],
            "commit": request.commit,
            "verification": scanning_settings(settings.verification),
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Write fixes.jsonl; return counts."""
        fixes: list[Fix] = []
        refused: Counter[str] = Counter()
        with ExitStack() as stack:
            cases = list(_cases(context, stack))
            redact = _redactor(context, cases)
            for done, case in enumerate(cases):
                fixes += _mine(case, refused, redact)
                if done % 50 == 0:
                    context.progress(Progress(stage="mine", message="fixes", done=done, total=len(cases)))
            fixes = _reduced(context, cases, fixes)
        if context.request.source is None:
            fixes += coordinates(_findings(context.inputs["parse"] / "findings.jsonl"))
        write_records(context.folder / "fixes.jsonl", fixes)
        counts = Counter(str(fix.source) for fix in fixes)
        return {"fixes": dict(sorted(counts.items())), "refused": dict(sorted(refused.items()))}


def _reduced(context: Context, cases: list[Case], fixes: list[Fix]) -> list[Fix]:
    """Keep of several cuts of a person's change the smallest that verifies, where a scanner can tell."""
    by_fingerprint = {case.finding.fingerprint: case for case in cases}

    def judge(cuts: Sequence[Fix]) -> list[Verdict]:
        proposals = (
            Proposal(case.finding, fix, case.here)
            for fix in cuts
            if (case := by_fingerprint.get(fix.fingerprint)) is not None
        )
        return service_of(context).verify(list(proposals))

    history = [fix for fix in fixes if fix.source is FixSource.HISTORY]
    kept = {id(fix) for fix in reduce(history, judge)}
    return [fix for fix in fixes if fix.source is not FixSource.HISTORY or id(fix) in kept]


def mine(cases: list[Case], redact: Redact) -> tuple[list[Fix], Counter[str]]:
    """Return the fixes of cases, in their order, and how many were refused by source and reason."""
    refused: Counter[str] = Counter()
    return [fix for case in cases for fix in _mine(case, refused, redact)], refused


def _redactor(context: Context, cases: list[Case]) -> Redact:
    """Return what hides what the scanners' findings of secrets point at, and what looks like one."""
    known = {value for case in cases for value in secrets_of([case.finding], case.here)}
    return Redactor(load_key(context.folder.parents[2]), known).redact


def _mine(case: Case, refused: Counter[str], redact: Redact) -> list[Fix]:
    fixes: dict[tuple[Any, ...], Fix] = {}
    for miner in MINERS:
        for proposed in miner.propose(case):
            fix = _checked(case, proposed, redact)
            if isinstance(fix, Refusal):
                refused[f"{miner.source}: {fix.reason}"] += 1
                continue
            fixes.setdefault((fix.path, fix.start_line, fix.end_line, fix.replacement), fix)
    return list(fixes.values())


def _checked(case: Case, proposed: Fix | Refusal, redact: Redact) -> Fix | Refusal:
    """Hold what a record promises: it differs, it stands in the tree, and it shows no secret."""
    if isinstance(proposed, Refusal):
        return proposed
    text = case.here.text(proposed.path)
    if text is None or text.block(proposed.start_line, proposed.end_line) != proposed.before:
        return Refusal(reason="before isn't what stands in the tree")
    if proposed.before == proposed.replacement:
        return Refusal(reason="changes nothing")
    return hide_secrets(proposed, redact)


def _cases(context: Context, stack: ExitStack) -> Iterator[Case]:
    """Yield open findings with the present tree, and gone ones with both, sorted by fingerprint."""
    request, parsed = context.request, context.inputs["parse"]
    now = _snapshot(context, stack, request.source, request.commit)
    before = _snapshot(context, stack, request.earlier_source, request.earlier_commit)
    current = _findings(parsed / "findings.jsonl")
    there = {finding.fingerprint for finding in current}
    gone = [finding for finding in _findings(parsed / "earlier.jsonl") if finding.fingerprint not in there]
    seen = frozenset(finding.scanner.name for finding in current)
    again = _again(current, {finding.fingerprint for finding in _findings(parsed / "earlier.jsonl")})
    known = _gone_lines(gone, before)
    for finding in current if now is not None else ():
        yield Case(finding=finding, here=now)  # type: ignore[arg-type]
    for finding in gone if before is not None else ():
        kind = _kind(finding)
        yield _gone(finding, before, now, seen, again[kind], known[kind])  # type: ignore[arg-type]


def _again(current: list[Finding], earlier: set[str]) -> dict[tuple[str, ...], set[tuple[str, int]]]:
    """Return path and line of findings that are new, by scanner and rule: a gone one may be one of them."""
    places: dict[tuple[str, ...], set[tuple[str, int]]] = defaultdict(set)
    for finding in current:
        if finding.fingerprint not in earlier and isinstance(finding.location, FileLocation):
            places[_kind(finding)].add((finding.location.path, finding.location.start_line or 1))
    return places


def _gone(
    finding: Finding,
    here: Snapshot,
    later: Snapshot | None,
    seen: frozenset[str],
    new: set[tuple[str, int]],
    known: set[str],
) -> Case:
    """Return the case of a gone finding; a new one whose line another gone one had is that one, moved."""
    path = getattr(finding.location, "path", None)
    again = frozenset(line for file, line in new if file == path)
    elsewhere = {place for place in new if later is not None and _line(later, *place) not in known}
    return Case(finding, here, later, seen, again, frozenset(elsewhere))


def _gone_lines(gone: list[Finding], here: Snapshot | None) -> dict[tuple[str, ...], set[str]]:
    """Return the flagged lines of gone findings by scanner and rule."""
    lines: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for finding in gone if here is not None else ():
        if isinstance(finding.location, FileLocation) and here is not None:
            lines[_kind(finding)].add(_line(here, finding.location.path, finding.location.start_line or 1))
    return lines


def _line(snapshot: Snapshot, path: str, line: int) -> str:
    text = snapshot.find(path)
    return text.block(line, line).strip() if text is not None and line <= len(text.lines) else ""


def _kind(finding: Finding) -> tuple[str, ...]:
    return finding.scanner.name, finding.rule.id


def _snapshot(context: Context, stack: ExitStack, source: str | None, commit: str | None) -> Snapshot | None:
    if source is None:
        return None
    try:
        return Snapshot(stack.enter_context(open_tree(source, commit, context.settings.source)))
    except MissingCommit as error:
        context.warn(str(error))
        return None


def _findings(path: Path) -> list[Finding]:
    if not path.exists():
        return []
    return sorted(read_records(path, Finding), key=lambda finding: finding.fingerprint)
