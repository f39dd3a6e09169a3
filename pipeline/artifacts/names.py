"""Names in archives: which are refused, and when two of them mean the same file."""

from __future__ import annotations

import re
import unicodedata

from pipeline.artifacts.interface import Refusal

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 1024
LONGEST_SHOWN = 4096
_DRIVE = re.compile(r"^[A-Za-z]:")
_RESERVED = re.compile(r"^(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)


def check_name(name: str) -> str:
    """Return the entry's name as a clean relative path; raise Refusal when it can't be one.

    Nothing is ever written under this name. It is refused all the same, since a name made to
    climb out of a folder says what the archive is.
    """
    path = name.replace("\\", "/")
    if not path.isprintable() and any(unicodedata.category(character) == "Cc" for character in path):
        raise Refusal("its name holds control characters")
    if path.startswith("/") or _DRIVE.match(path):
        raise Refusal("its name is an absolute path")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refusal("its name climbs out of the archive")
    if not parts:
        raise Refusal("it has no name")
    _check_parts(parts, path)
    return "/".join(parts)


def _check_parts(parts: list[str], path: str) -> None:
    if len(path.encode("utf-8", "replace")) > MAX_PATH_BYTES:
        raise Refusal(f"its name is longer than {MAX_PATH_BYTES} bytes")
    for part in parts:
        if len(part.encode("utf-8", "replace")) > MAX_NAME_BYTES:
            raise Refusal(f"a part of its name is longer than {MAX_NAME_BYTES} bytes")
        if _RESERVED.match(part):
            raise Refusal("its name is reserved on some systems")


def folded(name: str) -> str:
    """Return what two names share when a file system that ignores case or form mixes them up."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def printable(name: str) -> str:
    """Return a name that is safe to show: no control characters, bounded.

    The bound is above what is written of a name, so that redaction can drop what the cut has torn.
    """
    if len(name) <= LONGEST_SHOWN and name.isprintable():
        return name
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in name[:LONGEST_SHOWN]
    )
