"""No file that isn't there: code that moves into a module, script or action nobody wrote is not mended."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from pipeline.verification.change import Change, difference

_FOLDERS = re.compile(r"\bsource\s*=\s*\"(\.{1,2}/[^\"?]+)\"|^(?:-\s+)?uses:\s*[\"']?(\./[^\s\"'#]+)")
_SCRIPTS = re.compile(r"(?<![\w$}/])(\./[\w./-]+\.(?:sh|bash|py|js|rb|pl|ts))\b")
_REQUIRED = re.compile(r"(?:\brequire\s*\(|\bfrom|\bimport\s*\(|\bimport)\s*[\"'](\.{1,2}/[^\"']+)[\"']")
_RELATIVE = re.compile(r"^from\s+(\.+)([A-Za-z_][\w.]*)\s+import\b")
_SCRIPTED = frozenset({"yaml", "bash", "dockerfile", "make"})
_IMPORTING = frozenset({"javascript", "typescript", "tsx"})


def missing_file(change: Change) -> str | None:
    """Return a file that the new lines refer to by its relative path and the tree doesn't hold, None without one."""
    gone, fresh = difference(change)
    known = set(_named(change, gone))
    return next((name for name in _named(change, fresh) if name not in known and not _is_there(change, name)), None)


def _named(change: Change, lines: list[str]) -> Iterator[str]:
    """Yield what lines refer to, as paths from the root of the tree."""
    folder = posixpath.dirname(change.path)
    for line in lines:
        if change.language in ("hcl", "yaml"):
            for own, action in _FOLDERS.findall(line):
                yield posixpath.normpath(posixpath.join(folder, own) if own else action)
        if change.language in _SCRIPTED:
            yield from (posixpath.normpath(name) for name in _SCRIPTS.findall(line))
        if change.language in _IMPORTING:
            yield from (posixpath.normpath(posixpath.join(folder, name)) for name in _REQUIRED.findall(line))
        match = _RELATIVE.match(line) if change.language == "python" else None
        if match is not None:
            above = "/".join([".."] * (len(match.group(1)) - 1))
            yield posixpath.normpath(posixpath.join(folder, above, match.group(2).replace(".", "/")))


def _is_there(change: Change, name: str) -> bool:
    """Tell whether the tree holds a file of that name, with whatever ending or below it; a script in any folder."""
    paths = change.here.paths
    if any(path == name or path.startswith((f"{name}.", f"{name}/")) for path in paths):
        return True
    last = name.rpartition("/")[2]
    return change.language in _SCRIPTED and any(path.rpartition("/")[2] == last for path in paths)
