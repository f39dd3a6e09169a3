"""Reports as text: whatever Unicode encoding a scanner wrote becomes UTF-8 without a mark.

The encoding is read from the byte order mark, else from where the zero bytes of the first
four characters stand (JSON and XML begin with ASCII: RFC 4627, section 3; XML 1.0, appendix F),
else from an XML declaration. Bytes that are no text in it refuse the file, and say where.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pipeline.artifacts.archive import CHUNK, open_private
from pipeline.artifacts.interface import Refusal

MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ZEROS = {(True, True, True, False): "utf-32-be", (False, True, True, True): "utf-32-le"}
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z][\w.-]{0,40})[\"']")
_DECLARATION = re.compile(r"^(\s*<\?xml[^>]{0,200}?)\s+encoding\s*=\s*[\"'][^\"']{0,60}[\"']")
_SINGLE_BYTE = frozenset({"iso8859-1", "iso8859-15", "cp1252", "ascii"})


def detect_encoding(head: bytes) -> tuple[str, int]:
    """Return the encoding of a file that starts with `head`, and how many bytes its mark has."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    zeros = tuple(byte == 0 for byte in head[:4])
    if len(zeros) == 4 and zeros in _ZEROS:
        return _ZEROS[zeros], 0
    if zeros[:2] == (True, False):
        return "utf-16-be", 0
    if zeros[:2] == (False, True):
        return "utf-16-le", 0
    return _declared(head), 0


def decode(path: Path, target: Path) -> Path:
    """Return a file with the same text in UTF-8 without a mark: `path` itself if it is so already.

    Otherwise it is written to `target`, readable by its owner only. Raises Refusal with the
    place of the first byte that isn't text.
    """
    with path.open("rb") as stream:
        encoding, mark = detect_encoding(stream.read(512))
        stream.seek(mark)
        if encoding == "utf-8" and not mark:
            for _ in _texts(stream, encoding, mark):
                pass
            return path
        with open_private(target) as out:
            for number, text in enumerate(_texts(stream, encoding, mark)):
                out.write((_DECLARATION.sub(r"\1", text) if number == 0 else text).encode("utf-8"))
    return target


def _declared(head: bytes) -> str:
    match = _DECLARED.match(head)
    if match is None:
        return "utf-8"
    try:
        name = codecs.lookup(match[1].decode("ascii")).name
    except LookupError:
        return "utf-8"
    return name if name in _SINGLE_BYTE else "utf-8"


def _texts(stream: IO[bytes], encoding: str, position: int) -> Iterator[str]:
    """Yield the text in pieces; a piece ends where a character ends."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    while True:
        chunk = stream.read(CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            yield decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            where = position - pending + error.start
            raise Refusal(f"isn't text: invalid {encoding.upper()} at byte {where}") from error
        if not chunk:
            return
        position += len(chunk)
