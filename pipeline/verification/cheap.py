"""The checks that cost nothing, in order: place, suppression, deletion, disguise, syntax, names."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.records import PackageLocation
from pipeline.verification.change import Change
from pipeline.verification.checks.deletion import taken_away
from pipeline.verification.checks.disguise import disguised
from pipeline.verification.checks.names import new_undefined_name
from pipeline.verification.checks.places import wrong_place
from pipeline.verification.checks.references import missing_file
from pipeline.verification.checks.syntax import new_syntax_error
from pipeline.verification.suppressions import new_suppression

Check = Callable[[Change], str | None]


def failing_check(change: Change) -> tuple[str, str] | None:
    """Return the name of the first failing check and its reason, None when all pass."""
    for name, check in CHECKS:
        reason = check(change)
        if reason is not None:
            return name, reason
    return None


def _suppression(change: Change) -> str | None:
    found = new_suppression(change.before.text, change.after.text)
    return f"it tells the scanner to look away: {found}" if found else None


def _deletion(change: Change) -> str | None:
    return None if isinstance(change.finding.location, PackageLocation) else taken_away(change)


def _disguise(change: Change) -> str | None:
    return None if isinstance(change.finding.location, PackageLocation) else disguised(change)


def _syntax(change: Change) -> str | None:
    return new_syntax_error(change.path, change.before.text, change.after.text)


def _names(change: Change) -> str | None:
    name = new_undefined_name(change.before.text, change.after.text) if change.language == "python" else None
    if name is not None:
        return f"{name} isn't defined"
    path = missing_file(change)
    return f"there is no {path}" if path else None


CHECKS: tuple[tuple[str, Check], ...] = (
    ("allowed file", wrong_place),
    ("no suppression", _suppression),
    ("no deletion", _deletion),
    ("no disguise", _disguise),
    ("syntax", _syntax),
    ("defined names", _names),
)
