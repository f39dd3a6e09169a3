"""Images, actions and commands: the same one must be used, not another, and not the same behind a wrapper."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.verification.change import Change, difference
from pipeline.verification.checks.settings import resolved

_PINS = re.compile(r"(?i)^(?:DL300[67]|(?:AVD-)?DS-?0*1|CKV_DOCKER_7|CKV_GHA_\d+)$|unpinned|pinned|floating|latest")
_FROM = re.compile(r"(?i)^FROM\s+(?:--\S+\s+)*(?:docker\.io/)?(?:library/)?([^\s:@]+)(?::([^\s@]+))?(@\S+)?")
_USES = re.compile(r"^(?:-\s+)?uses:\s*[\"']?([^\s@\"'#]+)(?:@([^\s\"'#]+))?")
_FLOATING = re.compile(
    r"(?i)^(?:latest|rc|edge|nightly|rolling|main|master|trunk|dev|devel|develop|stable|unstable|testing|current|lts"
    r"|mainline|canary|next|beta|alpha|slim|alpine|head|snapshot)(?:-(?:slim|alpine|latest))?$"
)
_WRAPPER = re.compile(
    r"\b(?:ba|da|z)?sh\s+-\w*c\b|<<-?\s*[\"']?\w+|^ONBUILD\b|\beval\b"
    r"|(?:^|[;&|\s])(\w+)=[\"']?\w+[\"']?\s*(?:;|&&)[^\n]*\$\{?\1\b"
)
_PATH = re.compile(r"(?<![\w.])(?:/\w+)*/s?bin/(\w[\w-]*)")
_WORD = re.compile(r"[\w./-]{3,}")


def another_thing(change: Change) -> str | None:
    """Return how a change takes another image or action, or hides a command; None when it doesn't."""
    if change.language == "dockerfile" and (reason := _wrapped(change)) is not None:
        return reason
    if not any(_PINS.search(name) for name in (change.finding.rule.id, *change.finding.aliases)):
        return None
    gone, fresh = (resolved(change, lines) for lines in difference(change))
    return _another(_FROM, gone, fresh, "image") or _another(_USES, gone, fresh, "action")


def _another(pattern: re.Pattern[str], gone: Iterable[str], fresh: Iterable[str], what: str) -> str | None:
    old = {match.group(1).lower() for line in gone if (match := pattern.match(line))}
    for match in (match for line in fresh if old and (match := pattern.match(line))):
        name, version = match.group(1).lower(), (match.group(2) or "")
        if name not in old:
            return f"it takes another {what} ({match.group(1)})"
        if _FLOATING.match(version) and not (what == "image" and match.group(3)):
            return f"{version} is no fixed version either"
        if re.fullmatch(r"[0-9a-f]{40}", version) and len(set(version)) < 3:
            return "there is no such commit"
    return None


def _wrapped(change: Change) -> str | None:
    """The same words behind a shell, a path, a variable, a here document or ONBUILD."""
    gone, fresh = ("\n".join(lines) for lines in difference(change))
    named = set(_PATH.findall(fresh)) - set(_PATH.findall(gone))
    if any(re.search(rf"(?<![/\w]){re.escape(name)}\b", gone) for name in named):
        return "the command is only called by its path"
    words = set(_WORD.findall(gone)) - {"RUN"}
    if words and words <= set(_WORD.findall(fresh)) and len(_WRAPPER.findall(fresh)) > len(_WRAPPER.findall(gone)):
        return "the command only stands behind another"
    return None
