"""The user's own tests, run in a copy of the source with the fix applied. Off unless a command is configured."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from config.settings import Verification
from pipeline.fixes.interface import Snapshot
from pipeline.verification.change import Change


def failing_tests(change: Change, snapshot: Snapshot, settings: Verification) -> str | None:
    """Return why the tests don't pass with the fix, None when they do."""
    with tempfile.TemporaryDirectory(prefix="fixsmith-tests-") as place:
        root = Path(place)
        _copy(snapshot, root)
        (root / change.path).write_text(change.after.text, encoding="utf-8")
        try:
            done = subprocess.run(  # noqa: S602 - the command is the user's own, from the settings
                settings.test_command,
                shell=True,
                cwd=root,
                capture_output=True,
                timeout=settings.test_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"the tests took longer than {settings.test_seconds:.0f} s"
    return None if done.returncode == 0 else f"the tests end with {done.returncode}"


def _copy(snapshot: Snapshot, root: Path) -> None:
    for path in sorted(snapshot.paths):
        content = snapshot.tree.read(path)
        if content is not None:
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
