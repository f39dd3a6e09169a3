"""From a file's bytes to numbered lines, and what kind of file it is: binary, LFS pointer, generated, vendored."""

from __future__ import annotations

import re

from pipeline.source.interface import Absence

LFS_START = b"version https://git-lfs.github.com/spec/"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_HEAD_BYTES = 8000
_HEAD_LINES = 12

_GENERATED_NAME = re.compile(
    r"(\.min\.(js|css)|\.bundle\.js|\.pb\.go|_pb2(_grpc)?\.py|\.pb\.(cc|h)|\.g\.dart|\.designer\.cs|\.generated\.\w+)$",
    re.IGNORECASE,
)
_GENERATED_TEXT = re.compile(
    r"@generated\b|code generated .{0,80}do not edit|do not edit.{0,40}generated|"
    r"auto-?generated (by|file|from|code)|this file (is|was) (automatically |auto-?)?generated",
    re.IGNORECASE,
)
_VENDORED = re.compile(
    r"(^|/)(vendor|vendored|third[-_]party|node_modules|bower_components|site-packages|dist-packages|\.venv|venv|Pods"
    r"|Carthage/Checkouts)/",
    re.IGNORECASE,
)


def absence_of_text(content: bytes) -> Absence | None:
    """Return why bytes aren't text: an LFS pointer or binary; None for text."""
    if content.startswith(LFS_START):
        return Absence.LFS_POINTER
    if any(content.startswith(mark) for mark, _ in _MARKS):
        return None
    return Absence.BINARY if b"\0" in content[:_HEAD_BYTES] else None


def decode(content: bytes) -> str:
    """Return bytes as text with `\\n` line ends: UTF-8, UTF-16 or UTF-32 by its mark, else Latin-1."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _plain(content.decode(encoding, "replace"))
    try:
        return _plain(content.decode("utf-8"))
    except UnicodeDecodeError:
        return _plain(content.decode("latin-1"))


def lines_of(text: str) -> list[str]:
    """Return the lines as scanners number them: only `\\n` ends a line, the last may lack it."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def is_generated(path: str, text: str) -> bool:
    """Tell whether a tool wrote the file, by its name or by what its first lines say."""
    if _GENERATED_NAME.search(path):
        return True
    head = "\n".join(text[:_HEAD_BYTES].split("\n")[:_HEAD_LINES])
    return bool(_GENERATED_TEXT.search(head))


def is_vendored(path: str) -> bool:
    """Tell whether the path lies in a folder of other people's code."""
    return bool(_VENDORED.search(path))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", " ")
