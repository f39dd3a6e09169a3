"""Where a finding is: paths made relative to the repository, lines and columns made sane.

A path in a finding can never leave the source tree it is joined to: one that climbs out with
`..` is refused, one that stays absolute loses its root and is flagged `absolute-path`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pipeline.records import FileLocation
from pipeline.scanners.document import ItemRefused

ABSOLUTE = "absolute-path"
LONGEST_PATH = 4096
HIGHEST_LINE = 100_000_000
_CI_ROOTS = re.compile(
    r"""^(?:
        (?:/home/runner/work|/Users/runner/work|/runner/_work|/__w|[A-Za-z]:/a|/actions-runner/_work)
            /[^/]+/[^/]+                                 # GitHub: work folder, repository twice
      | /builds/[^/]+/[^/]+                              # GitLab
      | /home/vsts/work/\d+/s | [A-Za-z]:/agent/_work/\d+/s | /agent/_work/\d+/s   # Azure
      | /var/lib/jenkins/workspace/[^/]+ | /home/jenkins/(?:agent/)?workspace/[^/]+
      | /github/workspace | /bitbucket/pipelines/agent/build
      | /home/circleci/(?:project|repo) | /root/project
      | /src | /code | /workspace | /workdir | /repo | /scan | /path | /tf | /project | /iac
    )/""",
    re.VERBOSE,
)
_DRIVE = re.compile(r"^[A-Za-z]:/")
_BAD = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Place(NamedTuple):
    """A path usable below the source tree, and the flags that say what was done to it."""

    path: str
    flags: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def place_of(path: str, roots: tuple[str, ...] = ()) -> Place:
    """Make a scanner's path relative to the repository. `roots` are folders the report itself names.

    Raises `ItemRefused` when the path is empty, too long, has control characters or climbs out.
    """
    if len(path) > LONGEST_PATH:
        raise ItemRefused("has a path longer than any file's")
    if _BAD.search(path):
        raise ItemRefused("has a path with control characters")
    plain = path.replace("\\", "/")
    rest = _without_root(plain, roots)
    flags = () if not _is_absolute(rest) else (ABSOLUTE,)
    parts = _folded(_DRIVE.sub("", rest).split("/"))
    if not parts:
        raise ItemRefused("names no file")
    return Place("/".join(parts), flags)


def place_of_uri(uri: str, roots: tuple[str, ...] = ()) -> Place:
    """Make a URI reference (percent-encoded, perhaps `file:`) relative to the repository."""
    return place_of(path_of_uri(uri), roots)


def path_of_uri(uri: str) -> str:
    """Decode a `file:` URI or a relative reference into a path."""
    if uri[:5].lower() == "file:":
        try:
            split = urlsplit(uri)
        except ValueError:
            raise ItemRefused("has a location that is no URI") from None
        local = split.netloc in ("", "localhost", "127.0.0.1")
        path = split.path if local else f"/{split.netloc}{split.path}"
        decoded = unquote(path, errors="replace")
        return decoded[1:] if _DRIVE.match(decoded[1:]) else decoded
    return unquote(uri, errors="replace")


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or _DRIVE.match(path) is not None


def _without_root(path: str, roots: tuple[str, ...]) -> str:
    if not _is_absolute(path):
        return path
    for root in sorted(roots, key=len):
        folder = root.replace("\\", "/").rstrip("/") + "/"
        if len(folder) > 1 and path.startswith(folder):
            return path[len(folder) :]
    return _CI_ROOTS.sub("", path)


def _folded(parts: list[str]) -> list[str]:
    folded: list[str] = []
    for part in parts:
        if part == "..":
            if not folded:
                raise ItemRefused("has a path that climbs out of the source tree")
            folded.pop()
        elif part not in ("", "."):
            folded.append(part)
    return folded


def line_of(number: float | str | None) -> int | None:
    """Read a line or column: None when missing or not positive; `ItemRefused` when out of range."""
    if number is None:
        return None
    try:
        line = int(number)
    except (ValueError, OverflowError):
        raise ItemRefused("has a line that is no number") from None
    if line > HIGHEST_LINE:
        raise ItemRefused("has a line or column out of range")
    return line if line > 0 else None


def file_location(
    path: str,
    start_line: float | str | None = None,
    end_line: float | str | None = None,
    start_column: float | str | None = None,
    end_column: float | str | None = None,
) -> FileLocation:
    """Build a location from what a scanner gives; an end before its start is moved to it.

    An exclusive end at a line's first column means the end of the line before.
    """
    first, last = line_of(start_line), line_of(end_line)
    if first is None:
        return FileLocation(path=path)
    last = max(first, last or first)
    left, right = line_of(start_column), line_of(end_column)
    if right == 1 and last > first:
        last, right = last - 1, None
    if left is None or (last == first and right is not None and right < left):
        right = None
    return FileLocation(path=path, start_line=first, end_line=last, start_column=left, end_column=right)
