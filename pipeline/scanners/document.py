"""JSON reports decoded piece by piece: the frame first, each element on its own slice of the file.

The file is mapped, not read; msgspec finds the elements (`msgspec.Raw`, no copy) and each is
decoded alone, so that a broken element costs itself only and memory stays near the file's size.
A document msgspec refuses is mended (`pipeline.scanners.mending`) and read again; what the
mending left out is said as a `Fault`.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from config.errors import InputRefused
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.mending import CUT, Buffer, Mended, mend

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Said = RawFinding | Fault
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
LONGEST_QUOTED = 4_000
LONGEST_NAME = 2_001
"""More than is looked at (`READ_AHEAD` times what is kept): then the end, perhaps half a secret, is dropped."""


class ItemRefused(InputRefused):
    """One element of a report can't become a finding; its reader turns this into a `Fault`."""


def reason_of(error: Exception) -> str:
    """Say in one bounded line why an element could not be decoded."""
    if isinstance(error, UnicodeDecodeError):
        return "holds bytes that are not UTF-8"
    if isinstance(error, RecursionError):
        return "is nested too deep to be read"
    return quoted(str(error))


def quoted(text: str) -> str:
    """Return a report's own words for a reason: in one line, bounded where redaction drops what a cut has torn."""
    return " ".join(text[:LONGEST_QUOTED].split())


def content(report: Report) -> mmap.mmap:
    """Map the report's file; raises `ReportRefused` when it is empty or can't be opened."""
    try:
        with report.path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise ReportRefused("The report is empty.", "A scanner that ran writes something.") from None
    except OSError as error:
        raise ReportRefused(f"The report can't be opened: {error.strerror}.", "Collect the artifact again.") from error


def load(report: Report, frame: type[T]) -> tuple[T, tuple[Fault, ...]]:
    """Decode the report's frame, mending it if need be; faults say what the mending cost.

    Raises `ReportRefused` when not even the mended document has this frame.
    """
    text = content(report)
    try:
        return msgspec.json.decode(text, type=frame), ()
    except msgspec.ValidationError as error:
        raise _refused(error) from error
    except UNREADABLE as error:
        mended = _mended(report, text, reason_of(error))
    try:
        return msgspec.json.decode(mended.text, type=frame), mended.faults
    except UNREADABLE as error:
        raise _refused(error) from error


Key = tuple[Path, int, int, int]
_LAST: dict[Key, Mended] = {}
"""The report mended last: who recognises it and who reads it need the same text."""


def _mended(report: Report, text: Buffer, complaint: str) -> Mended:
    stamp = report.path.stat()
    key = (report.path, stamp.st_mtime_ns, stamp.st_ino, stamp.st_size)
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = mend(text, complaint)
    return _LAST[key]


def forget_mended() -> None:
    """Let go of the report mended last, which may be as large as the report."""
    _LAST.clear()


def _refused(error: Exception) -> ReportRefused:
    return ReportRefused(
        f"The report is not what its scanner writes: {reason_of(error)}.",
        "Look at the scan's own log; run it again.",
    )


def elements(raws: Iterable[msgspec.Raw] | None, pointer: str) -> Iterator[tuple[str, msgspec.Raw]]:
    """Give each element of an array its JSON pointer."""
    return ((f"{pointer}/{position}", raw) for position, raw in enumerate(raws or ()))


def members(raws: dict[str, msgspec.Raw] | None, pointer: str) -> Iterator[tuple[str, msgspec.Raw]]:
    """Give each member of an object its JSON pointer."""
    return ((f"{pointer}/{escape(name)}", raw) for name, raw in (raws or {}).items())


def escape(name: str) -> str:
    """Escape a member name for a JSON pointer (RFC 6901); one that is too long is cut, since all below repeat it."""
    return name[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")


_DECODERS: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def decoder_of(item: type[T]) -> msgspec.json.Decoder[T]:
    """Return the decoder of a type: making one costs more than decoding a small element."""
    found = _DECODERS.get(item)
    if found is None:
        found = _DECODERS[item] = msgspec.json.Decoder(item)
    return found


def each(
    raws: Iterable[tuple[str, msgspec.Raw]],
    item: type[T],
    convert: Callable[[T, str], Iterable[Said]],
) -> Iterator[Said]:
    """Decode each element alone and convert it; one that can't be is a `Fault`, the others go on.

    What an element says before it goes wrong is kept.
    """
    decoder = decoder_of(item)
    for pointer, raw in raws:
        if is_cut(raw):
            continue
        try:
            for said in convert(decoder.decode(raw), pointer):
                yield named(said)
        except UNREADABLE as error:
            yield Fault(pointer=pointer, reason=reason_of(error))
        except ItemRefused as error:
            yield Fault(pointer=pointer, reason=error.message)


def partly(raw: msgspec.Raw, item: type[S], pointer: str) -> tuple[S, tuple[Fault, ...]]:
    """Decode an object field by field: one that can't be read costs itself only, and is a `Fault`.

    For frames whose fields may all be missing. Raises one of `UNREADABLE` when it is no object.
    """
    given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    values, faults = {}, []
    for field in msgspec.structs.fields(item):
        if field.encode_name not in given:
            continue
        try:
            values[field.name] = msgspec.json.decode(given[field.encode_name], type=field.type)
        except UNREADABLE as error:
            faults.append(Fault(pointer=f"{pointer}/{field.encode_name}", reason=reason_of(error)))
    return item(**values), tuple(faults)


def named(said: Said) -> Said:
    """Turn a finding without a rule into a `Fault`: nothing could tell it from another."""
    if isinstance(said, RawFinding) and not said.rule.id.strip():
        return Fault(pointer=said.pointer, reason="names no rule")
    return said


def is_cut(raw: msgspec.Raw) -> bool:
    """Tell whether the element is the one a truncated document breaks off in (said by its own fault)."""
    return memoryview(raw)[-len(CUT) :] == CUT


def keys(raw: msgspec.Raw | bytes) -> frozenset[str]:
    """Name the members of a JSON object, or nothing when it is something else."""
    try:
        return frozenset(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))
    except UNREADABLE:
        return frozenset()
