"""What can be read in a file that would leave: JSON string by string, anything else by its readable runs.

What is packed is unpacked first: zip, gzip, bzip2, xz, a picture's compressed texts, Parquet. What is packed in a way
that can't be looked into raises Sealed, and isn't published.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from pipeline.publishing.interface import SIGNATURE

READABLE = re.compile(rb"(?:[\x09\x0a\x0d\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3}){16,}")
WIDE = re.compile(rb"(?:[\x20-\x7e]\x00){16,}")
DIGEST = re.compile(r"[0-9a-f]{64}")
WINDOW, OVERLAP, NAMED, SIGNATURE_BYTES = 1 << 20, 1 << 12, 400, 80
UNPACKED, DEEPEST = 1 << 28, 3
"""Bytes that one packed file may hold, and how often it may be packed."""
PACKED: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
)
CLOSED = (b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x04\x22\x4d\x18")
"""How files begin that aren't looked into: zstd, 7-Zip, RAR, LZ4."""
ARCHIVE, PICTURE, COLUMNS = b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"PAR1"
TEXTS = {
    b"zTXt": re.compile(rb"[^\0]*\0.(.*)", re.DOTALL),
    b"iTXt": re.compile(rb"[^\0]*\0\x01.[^\0]*\0[^\0]*\0(.*)", re.DOTALL),
    b"iCCP": re.compile(rb"[^\0]*\0.(.*)", re.DOTALL),
}
"""A PNG's chunks that hold something packed, and where in them."""


class Sealed(Exception):
    """A file is packed and can't be looked into; the message says how."""


class Pairs(list[tuple[str, Any]]):
    """A JSON object with every key it was given, one given twice too."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of a file; line 1 for what has no lines. Raises Sealed."""
    if path.name == SIGNATURE:
        yield from ((1, text) for text in _signed(path))
        return
    with path.open("rb") as stream:
        yield from _texts(stream, path.suffix, 0)


def _texts(stream: IO[bytes], suffix: str, depth: int) -> Iterator[tuple[int, str]]:
    head = stream.read(16)
    stream.seek(0)
    if head.startswith(CLOSED):
        raise Sealed("packed in a way that isn't looked into")
    opener = next((opener for magic, opener in PACKED if head.startswith(magic)), None)
    if opener is not None:
        yield from _inside(_unpacked(opener, stream), suffix, depth)
        return
    if head.startswith(COLUMNS):
        yield from ((1, text) for text in _columns(stream))
    if head.startswith(PICTURE):
        yield from ((1, text) for text in _picture(stream))
    if (surely := head.startswith(ARCHIVE)) or zipfile.is_zipfile(stream):
        yield from _archive(stream, surely, depth)
    stream.seek(0)
    if suffix == ".json":
        yield from _json(stream.read())
    elif suffix == ".jsonl":
        for number, row in enumerate(stream, 1):
            yield from ((number, text) for _, text in _json(row))
    else:
        yield from _runs(stream)


def _inside(content: bytes, suffix: str, depth: int) -> Iterator[tuple[int, str]]:
    if depth >= DEEPEST:
        raise Sealed("packed too often")
    yield from _texts(io.BytesIO(content), suffix, depth + 1)


def _unpacked(opener: Callable[[IO[bytes]], Any], stream: IO[bytes]) -> bytes:
    try:
        content: bytes = opener(stream).read(UNPACKED + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise Sealed("packed, and damaged") from error
    if len(content) > UNPACKED:
        raise Sealed("packed, and too large to look into")
    return content


def _archive(stream: IO[bytes], surely: bool, depth: int) -> Iterator[tuple[int, str]]:
    """Yield the names, comments and contents of a zip; what only looks like one is left to its runs."""
    try:
        with zipfile.ZipFile(stream) as archive:
            yield 1, archive.comment.decode("utf-8", "replace")
            left = UNPACKED
            for entry in archive.infolist():
                yield 1, f"{entry.filename}\n{entry.comment.decode('utf-8', 'replace')}"
                if entry.flag_bits & 1 or (left := left - entry.file_size) < 0:
                    raise Sealed("an archive that is locked or too large to look into")
                with archive.open(entry) as member:
                    content = member.read(entry.file_size + 1)
                yield from _inside(content, Path(entry.filename).suffix, depth)
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, ValueError, OSError) as error:
        if surely:
            raise Sealed("a damaged archive") from error


def _picture(stream: IO[bytes]) -> Iterator[str]:
    """Yield the compressed texts of a PNG; its plain ones stand among the readable runs."""
    stream.seek(len(PICTURE))
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        content = stream.read(length)
        stream.read(4)
        if kind in TEXTS and (match := TEXTS[kind].match(content)):
            try:
                yield zlib.decompressobj().decompress(match[1], UNPACKED).decode("utf-8", "replace")
            except zlib.error as error:
                raise Sealed("a picture with a damaged text") from error


def _columns(stream: IO[bytes]) -> Iterator[str]:
    """Yield the strings of a Parquet file, and what its schema says."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise Sealed("Parquet, which needs `pip install 'fixsmith[parquet]'` to be looked into") from error
    try:
        table = parquet.ParquetFile(stream)
        yield f"{table.schema_arrow} {table.metadata.metadata}"
        for batch in table.iter_batches():
            for row in batch.to_pylist():
                yield from strings(row)
    except (ArrowException, OSError) as error:
        raise Sealed("a damaged Parquet file") from error


def _json(content: bytes) -> Iterator[tuple[int, str]]:
    try:
        value = json.loads(content, object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        yield from _runs(io.BytesIO(content))
        return
    yield from ((1, text) for text in strings(value))


def strings(value: Any, key: str = "") -> Iterator[str]:
    """Yield every string and key, a short string with its key before it too: `password: …` is known by its name."""
    if isinstance(value, str):
        yield value
        if key and len(value) < NAMED and not DIGEST.fullmatch(value) and not set(value) & set(' "\n'):
            yield f'{key}: "{value}"'
    elif isinstance(value, dict | Pairs):
        for name, item in value.items() if isinstance(value, dict) else value:
            yield str(name)
            yield from strings(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")


def _signed(path: Path) -> Iterator[str]:
    """Yield what a signature says, its statement decoded; the signature's own 100 bytes say nothing."""
    try:
        bundle = msgspec.json.decode(path.read_bytes())
        envelope = bundle.pop("dsseEnvelope")
        statement, signatures = base64.b64decode(envelope.pop("payload")), envelope.pop("signatures")
        sizes = [len(base64.b64decode(one.pop("sig"), validate=True)) for one in signatures]
    except (ValueError, KeyError, TypeError, AttributeError):
        yield path.read_bytes().decode("utf-8", "replace")
        return
    if any(size > SIGNATURE_BYTES for size in sizes):
        yield path.read_bytes().decode("utf-8", "replace")
    yield statement.decode("utf-8", "replace")
    yield from strings([bundle, envelope, signatures])


def _runs(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield a text whole, and of any other file what can be read in it: runs of UTF-8, and of ASCII in UTF-16.

    Files are read in windows that overlap, so that nothing is cut in two unseen.
    """
    line, tail = 1, b""
    while block := stream.read(WINDOW):
        window = tail + block
        yield line, _readable(window)
        tail = window[-OVERLAP:]
        line += window.count(b"\n") - tail.count(b"\n")


def _readable(window: bytes) -> str:
    if b"\0" not in window:
        return window.decode("utf-8", "replace")
    wide = [match[0][::2] for match in WIDE.finditer(window + b"\0")]
    return b"\n".join([*READABLE.findall(window), *wide]).decode("utf-8", "replace")
