"""What a report looks like from above: enough to tell which scanner wrote it, read once per report."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from pipeline.scanners.document import UNREADABLE, content, keys, load
from pipeline.scanners.interface import Report, ReportRefused
from pipeline.scanners.repeated import repeats_a_name
from pipeline.scanners.sarif.schema import ToolLog


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """The top of a report: `keys` of the object, or of the first element of the array.

    `kind` is object, array, empty (an array without elements) or text. `tools` are the driver
    names of a SARIF log's runs, in lower case; `results` the keys of the first result, where the
    object has an array of that name (`results_are_a_list`). `repeats`: a name stands twice at the top.
    """

    kind: str
    keys: frozenset[str] = frozenset()
    tools: tuple[str, ...] = ()
    results: frozenset[str] = frozenset()
    results_are_a_list: bool = False
    results_are_null: bool = False
    repeats: bool = False


def outline(report: Report) -> Outline:
    """Outline a report; anything that isn't JSON, however mended, is text."""
    start = report.head.lstrip("\ufeff \t\r\n")[:1]
    if start not in ("{", "["):
        return Outline(kind="text")
    try:
        stamp = report.path.stat()
    except OSError:
        return Outline(kind="text")
    return _outline(report.path, (stamp.st_mtime_ns, stamp.st_ino), stamp.st_size, start == "{")


@lru_cache(maxsize=64)
def _outline(path: Path, _changed: tuple[int, int], size: int, is_object: bool) -> Outline:
    report = Report(path=path, name=path.name, head="", size=size)
    try:
        return _of_object(report) if is_object else _of_array(report)
    except ReportRefused:
        return Outline(kind="text")


def _of_object(report: Report) -> Outline:
    frame, mended = load(report, dict[str, msgspec.Raw])
    first = _list(frame.get("results"))
    return Outline(
        kind="object",
        keys=frozenset(frame),
        tools=_tools(frame["runs"]) if "runs" in frame else (),
        results=keys(first[0]) if first else frozenset(),
        results_are_a_list=first is not None,
        results_are_null=bytes(frame.get("results", b"")) == b"null",
        repeats=not mended and repeats_a_name(content(report), frame),
    )


def _list(raw: msgspec.Raw | None) -> list[msgspec.Raw] | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=list[msgspec.Raw])
    except UNREADABLE:
        return None


def _of_array(report: Report) -> Outline:
    frame, _ = load(report, list[msgspec.Raw])
    if not frame:
        return Outline(kind="empty")
    return Outline(kind="array", keys=keys(frame[0]))


def _tools(runs: msgspec.Raw) -> tuple[str, ...]:
    names = []
    try:
        for raw in msgspec.json.decode(runs, type=list[msgspec.Raw]):
            names.append(msgspec.json.decode(raw, type=ToolLog).name)
    except UNREADABLE:
        return ()
    return tuple(names)
