"""The reader of SARIF 2.1.0 logs, and the dialects in which single tools write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from pipeline.records import Scanner
from pipeline.scanners.document import UNREADABLE, Said, each, elements, load, partly, quoted, reason_of
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.outline import outline
from pipeline.scanners.repeated import REPEATED, repeats_a_name
from pipeline.scanners.sarif.results import Results, Seen, text_of
from pipeline.scanners.sarif.rules import Rules, driver_of
from pipeline.scanners.sarif.schema import Component, Invocation, Log, Notification, Result, Run

_NOT_RESULTS = (
    "taxonomies",
    "conversion",
    "graphs",
    "externalizedProperties",
    "webRequests",
    "webResponses",
    "translations",
)
MESSAGES_PER_BYTE = 1
"""Messages kept once for all results may make a report as much longer; after that only their arguments are given."""

_WORDS = re.compile(r"[A-Za-z.+()/-]{1,40}[0-9]?")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one tool writes SARIF: its driver names (lower case) and what its findings need more."""

    scanner: str
    tools: tuple[str, ...]
    refine: Callable[[RawFinding, Seen], RawFinding | Fault] | None = None

    def knows(self, tool: str) -> bool:
        """Tell whether a driver of this name writes this dialect."""
        return tool.strip().lower() in self.tools


def speaks(report: Report, dialect: Dialect) -> bool:
    """Tell whether every run of a SARIF log was written by the dialect's tool."""
    tools = outline(report).tools
    return bool(tools) and all(dialect.knows(tool) for tool in tools)


def is_sarif(report: Report) -> bool:
    """Tell whether a report is a SARIF log."""
    seen = outline(report)
    return "runs" in seen.keys and (bool(seen.tools) or not seen.keys.isdisjoint(("version", "$schema")))


def read_sarif(report: Report, dialects: Iterable[Dialect] = ()) -> Iterator[Said]:
    """Read every run of a SARIF log, each in its tool's dialect."""
    log, faults = load(report, Log)
    if log.version is not None and not log.version.startswith("2."):
        raise ReportRefused(f"This version of SARIF can't be read: {quoted(log.version)}", "Write SARIF 2.1.0.")
    if not log.runs:
        yield Fault(pointer="/runs", reason="the SARIF log has no runs: the scan says nothing")
    known = tuple(dialects)
    for pointer, raw in elements(log.runs, "/runs"):
        try:
            run, broken = _decoded(raw, pointer)
        except UNREADABLE as error:
            yield Fault(pointer=pointer, reason=reason_of(error))
            continue
        yield from broken
        yield from _run(run, pointer, known, MESSAGES_PER_BYTE * report.size)
    yield from faults


def _decoded(raw: msgspec.Raw, pointer: str) -> tuple[Run, tuple[Fault, ...]]:
    """Decode a run; of one with a broken part the others are read."""
    given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    repeated = (Fault(pointer=pointer, reason=REPEATED),) if repeats_a_name(raw, given) else ()
    try:
        return msgspec.json.decode(raw, type=Run), repeated
    except msgspec.ValidationError:
        run, broken = partly(raw, Run, pointer)
        return run, (*repeated, *broken)


def _run(run: Run, pointer: str, dialects: tuple[Dialect, ...], budget: int) -> Iterator[Said]:
    driver = driver_of(run)
    tool = driver.name or ""
    dialect = next((known for known in dialects if known.knows(tool)), None)
    scanner = Scanner(name=dialect.scanner if dialect else _plain(tool), version=_version(driver))
    rules = Rules(run, pointer, budget)
    yield from rules.faults
    results = Results(run, scanner, rules)
    yield from _results(run, results, dialect, pointer)
    yield from _counted(results, pointer)
    yield from _external(run, pointer)
    for position, invocation in enumerate(run.invocations or []):
        yield from _invocation(invocation, f"{pointer}/invocations/{position}")


def _results(run: Run, results: Results, dialect: Dialect | None, pointer: str) -> Iterator[Said]:
    if run.results is msgspec.UNSET or run.results is None:
        if not run.external_property_file_references:
            yield Fault(pointer=pointer, reason="the run has no results: the scan did not take place")
        return
    refine = dialect.refine if dialect else None

    def convert(result: Result, place: str) -> Iterator[Said]:
        for finding, seen in results.convert(result, place):
            yield refine(finding, seen) if refine else finding

    yield from each(elements(run.results, f"{pointer}/results"), Result, convert)


def _counted(results: Results, pointer: str) -> Iterator[Fault]:
    if results.gone:
        reason = f"{results.gone} results are marked absent from the code since the baseline: left out"
        yield Fault(pointer=f"{pointer}/results", reason=reason)
    if results.passed:
        reason = f"{results.passed} results say that a check passed or doesn't apply: left out"
        yield Fault(pointer=f"{pointer}/results", reason=reason)
    if results.unplaced:
        reason = f"{results.unplaced} proposed fixes don't say which lines they change: left out, the findings are kept"
        yield Fault(pointer=f"{pointer}/results", reason=reason)


def _external(run: Run, pointer: str) -> Iterator[Fault]:
    for name in run.external_property_file_references or {}:
        if name not in _NOT_RESULTS:
            place = f"{pointer}/externalPropertyFileReferences"
            yield Fault(pointer=place, reason="keeps a part of the run in another file, which is not read")


def _invocation(invocation: Invocation, pointer: str) -> Iterator[Fault]:
    if invocation.execution_successful is False:
        reason = f"the scanner says that its run failed. {invocation.exit_code_description or ''}".strip()
        yield Fault(pointer=pointer, reason=reason)
    for notification in invocation.tool_execution_notifications or []:
        yield from _notification(notification, f"{pointer}/toolExecutionNotifications")
    for notification in invocation.tool_configuration_notifications or []:
        yield from _notification(notification, f"{pointer}/toolConfigurationNotifications")


def _notification(notification: Notification, pointer: str) -> Iterator[Fault]:
    if notification.level == "error":
        said = quoted(text_of(notification.message))
        yield Fault(pointer=pointer, reason=f"the scanner reports an error: {said or 'without a text'}")


def _version(driver: Component) -> str | None:
    return driver.semantic_version or driver.version or None


def _plain(name: str) -> str:
    """Return a tool's name in one spelling; one that isn't plain words stays: it may hold a secret to be found."""
    words = name.split()
    if not all(_WORDS.fullmatch(word) for word in words):
        return " ".join(words)
    return "-".join(words).lower()[:80] or "sarif"


class SarifReader:
    """Any tool's SARIF, with the dialects of the tools we know for logs that hold several."""

    name = "sarif"

    def __init__(self, dialects: tuple[Dialect, ...] = ()) -> None:
        self._dialects = dialects

    def recognise(self, report: Report) -> bool:
        """Take every SARIF log that no scanner's own reader took."""
        return is_sarif(report)

    def read(self, report: Report) -> Iterator[Said]:
        """Read the log, each run in its tool's dialect."""
        return read_sarif(report, self._dialects)
