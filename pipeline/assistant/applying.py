"""A verified change written into the working copy: the changed lines and nothing else, in one step."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from config.errors import Error, InputRefused
from pipeline.source.text import decode
from pipeline.stage import synchronise
from pipeline.verification.change import Change

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def write(change: Change, root: Path) -> Path:
    """Write the file with the change; line ends, encoding and mode stay as they were. Return its path.

    Raises InputRefused when the file lies outside `root` or can't be written in its own encoding, and
    Error when it is no longer the file that was verified.
    """
    root = root.resolve()
    path = (root / change.path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise InputRefused(f"{change.path} isn't a file of {root}.", "Name the working copy with --source.")
    old = path.read_bytes()
    if decode(old) != change.before.text:
        raise Error(f"{change.path} has changed meanwhile; nothing was written.", "Run it again.")
    new = _changed(old, change)
    if decode(new) != change.after.text:
        raise Error(f"{change.path} can't be written as it was verified; nothing was written.", "Apply it by hand.")
    _replace(path, new)
    return path


def _changed(old: bytes, change: Change) -> bytes:
    if old.startswith(_UTF_16):
        raise InputRefused(f"{change.path} is UTF-16, which isn't written.", "Apply the change by hand.")
    lines = old.split(b"\n")
    first, last = change.old_span
    end = b"\r" if sum(line.endswith(b"\r") for line in lines) * 2 > len(lines) else b""
    added = [line + end for line in _encoded(old, change)]
    return b"\n".join([*lines[: first - 1], *added, *lines[last:]])


def _encoded(old: bytes, change: Change) -> list[bytes]:
    """Return the new lines in the file's own encoding."""
    first, last = change.new_span
    new = change.after.lines[first - 1 : last]
    try:
        old.decode("utf-8")
    except UnicodeDecodeError:
        encoding = "latin-1"
    else:
        encoding = "utf-8"
    try:
        return [line.encode(encoding) for line in new]
    except UnicodeEncodeError as error:
        raise InputRefused(
            f"{change.path} isn't UTF-8 and can't hold the new lines.", "Apply the change by hand."
        ) from error


def _replace(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), path.stat().st_mode & 0o7777)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    synchronise(path.parent)
