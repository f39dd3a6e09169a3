"""Zip and gzip, unpacked with every limit measured while it happens, never believed beforehand.

Entries are written under numbers, so an entry's name can't reach anything. What is wrong with
one entry is that entry's refusal; the others go on.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Protocol

import msgspec

from pipeline.artifacts.interface import ArtifactRefusal, Budget, Refusal
from pipeline.artifacts.names import check_name, folded, printable

CHUNK = 1 << 18
HEAD = 512
"""Bytes that tell how a file is packed."""

_FOREIGN = (
    (0, b"BZh", "bzip2"), (0, b"\xfd7zXZ\0", "xz"), (0, b"\x28\xb5\x2f\xfd", "zstd"), (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"), (257, b"ustar", "tar"),
)  # fmt: skip

FREE_BYTES = 1 << 20
"""Below this size the ratio isn't looked at: a megabyte of spaces does no harm."""

MAX_DIRECTORY_BYTES_PER_FILE = 1024
SMALL_DIRECTORY = 1 << 16
ZIP64 = 0xFFFFFFFF
_END = struct.Struct("<4s4H2LH")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
    RuntimeError, struct.error, OverflowError, LookupError,
)  # fmt: skip

Seen = dict[str, set[str]]
"""Names met in an archive, by what they share when case and Unicode form don't count."""


Wanted = Callable[[str], bool]
"""Tells by its digest whether a file is to be read, and so has to be written out."""

LEFT_OUT = "left-out"


def every(_digest: str) -> bool:
    """Want every file."""
    return True


class Inflated(msgspec.Struct, frozen=True):
    """A file as it lies unpacked: where, its digest, its size, and how it begins.

    One that fits in a piece and isn't wanted isn't written: `path` is then of a file that isn't there.
    """

    path: Path
    sha256: str
    size: int
    head: bytes


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A file taken out of an archive; `reason` says why there is none."""

    name: str
    file: Inflated | None = None
    reason: str = ""


def is_zip(head: bytes) -> bool:
    """Tell whether a file that starts with `head` is a zip, an empty one included."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_gzip(head: bytes) -> bool:
    """Tell whether a file that starts with `head` is gzip."""
    return head.startswith(b"\x1f\x8b\x08")


def foreign_packing(head: bytes) -> str | None:
    """Name the packing of a file that starts with `head` when it is one we don't open."""
    return next((name for offset, mark, name in _FOREIGN if head.startswith(mark, offset)), None)


def members(path: Path, target: Path, budget: Budget, wanted: Wanted) -> Iterator[Member]:
    """Yield the files of a zip, each unpacked to `target`, in place of the one before.

    Raises Refusal when the archive as a whole can't be read, ArtifactRefusal past a limit.
    """
    check_directory(path, budget.limits.max_files)
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise Refusal(f"isn't a readable zip: {_reason(error)}") from error
    with archive:
        seen: Seen = {}
        files = [entry for entry in archive.infolist() if not _is_folder(entry)]
        if not files:
            raise Refusal("holds no files")
        try:
            for entry in files:
                budget.take_file()
                yield _member(archive, entry, target, budget, seen, wanted)
        finally:
            target.unlink(missing_ok=True)


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """Tell a folder's entry; `is_dir()` fails on an empty name."""
    return entry.filename.endswith("/") and not entry.file_size


def check_directory(path: Path, max_files: int) -> None:
    """Refuse a zip whose central directory is larger than the files allowed could need."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - (1 << 16) - _END.size))
        tail = stream.read()
    start = tail.rfind(b"PK\x05\x06")
    if start < 0 or len(tail) - start < _END.size:
        raise Refusal("isn't a readable zip: it is truncated")
    directory = _END.unpack_from(tail, start)[5]
    if directory == ZIP64:
        directory = size
    if directory > max(max_files * MAX_DIRECTORY_BYTES_PER_FILE, SMALL_DIRECTORY):
        raise ArtifactRefusal(f"lists more than {max_files} files")


def _member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, budget: Budget, seen: Seen, wanted: Wanted
) -> Member:
    name = printable(entry.orig_filename)
    try:
        _check_entry(entry)
        name = check_name(entry.orig_filename)
        _check_seen(name, seen)
        with archive.open(entry) as stream:
            file = inflate(stream, target, entry.compress_size, budget, wanted)
    except ArtifactRefusal:
        raise
    except Refusal as refusal:
        return Member(name=name, reason=str(refusal))
    except _BROKEN as error:
        return Member(name=name, reason=f"can't be unpacked: {_reason(error)}")
    return Member(name=name, file=file)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x41:
        raise Refusal("is encrypted")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise Refusal("is a symbolic link")
    if kind not in (0, stat.S_IFREG):
        raise Refusal("isn't a regular file")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refusal(f"is packed with method {entry.compress_type}, not stored or deflated")


def _check_seen(name: str, seen: Seen) -> None:
    names = seen.setdefault(folded(name), set())
    if name in names:
        raise Refusal("appears twice in the archive")
    if names:
        raise Refusal("its name differs from another only in case or Unicode form")
    names.add(name)


def ungzip(path: Path, target: Path, budget: Budget, wanted: Wanted) -> Inflated:
    """Unpack a gzip file to `target`; raise Refusal when it is broken or past a limit."""
    budget.take_file()
    try:
        with gzip.open(path, "rb") as stream:
            return inflate(stream, target, path.stat().st_size, budget, wanted)
    except _BROKEN as error:
        raise Refusal(f"can't be unpacked: {_reason(error)}") from error


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


def inflate(stream: Readable, target: Path, packed: int, budget: Budget, wanted: Wanted = every) -> Inflated:
    """Copy to `target`, readable by its owner only, watching size and ratio.

    The first piece is held back until it is known whether there is more, or the file is wanted:
    making a file costs more than reading a small one.
    """
    digest, size, held = hashlib.sha256(), 0, b""
    with ExitStack() as stack:
        out: IO[bytes] | None = None
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            _check_size(size, packed, budget, len(chunk))
            digest.update(chunk)
            if not held:
                held = chunk
                continue
            if out is None:
                out = stack.enter_context(open_private(target))
                out.write(held)
            out.write(chunk)
        file = Inflated(target, digest.hexdigest(), size, held[:HEAD])
        if out is None and (is_zip(held) or is_gzip(held) or wanted(file.sha256)):
            stack.enter_context(open_private(target)).write(held)
        elif out is None:
            file = msgspec.structs.replace(file, path=target.with_name(LEFT_OUT))
    return file


def _check_size(size: int, packed: int, budget: Budget, more: int) -> None:
    limits = budget.limits
    budget.take_bytes(more)
    if size > limits.max_file_bytes:
        raise Refusal(f"unpacks to more than {limits.max_file_bytes} bytes")
    if size > FREE_BYTES and size > limits.max_ratio * max(packed, 1):
        raise Refusal(f"unpacks to more than {limits.max_ratio} times its packed size")


def open_private(path: Path) -> IO[bytes]:
    """Open a file for writing that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return printable(text)
