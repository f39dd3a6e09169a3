"""macOS: the LaunchAgent, through `launchctl`."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from launchagent.interface import LABEL, Condition, ServiceError, Specification, stale
from launchagent.plist import LOG, agent_of, decode, encode
from pipeline.stage import write_atomically

SECONDS = 30.0
BUSY = 36  # "Operation now in progress": it is still ending
IO_ERROR = 5  # also said when the service is loaded already
NO_SUCH = (3, 113)
TRIES = 40
PAUSE = 0.5
LAST_LINES = 3


class Launchd:
    """The user's own launchd."""

    def __init__(self, home: Path | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.path = (home or Path.home()) / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self.domain = f"gui/{os.getuid()}"
        self.target = f"{self.domain}/{LABEL}"
        self.sleep = sleep

    def install(self, specification: Specification) -> bool:
        """Write the file if it differs and load it."""
        content = encode(agent_of(specification))
        changed = not self.path.exists() or self.path.read_bytes() != content
        if changed:
            specification.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._unload()
            write_atomically(self.path, content)
        if not self.condition().loaded:
            self._load()
        return changed

    def uninstall(self) -> bool:
        """Unload the service and remove its file."""
        had = self.path.exists()
        self._unload()
        self.path.unlink(missing_ok=True)
        return had

    def start(self) -> None:
        """Start it, loading it first if need be."""
        self._need_installed()
        if self.condition().loaded:
            self._must("kickstart", self.target)
        else:
            self._load()

    def stop(self) -> None:
        """Unload it, which has it checkpoint and end; it is loaded again at the next login or start."""
        self._need_installed()
        self._unload()

    def condition(self) -> Condition:
        """Read `launchctl print`, and whether the file's paths still exist."""
        code, text = self._launchctl("print", self.target)
        problems = self._problems() if self.path.exists() else ()
        if code != 0:
            return Condition(self.path.exists(), problems=problems)
        return Condition(
            self.path.exists(),
            True,
            _number(r"^\s*pid = (\d+)", text),
            _number(r"last exit code = (-?\d+)", text),
            problems,
        )

    def installed(self) -> Specification:
        """Return the service as the file has it."""
        self._need_installed()
        agent = decode(self.path.read_bytes())
        logs = Path(agent.StandardErrorPath).parent
        return Specification(tuple(agent.ProgramArguments), Path(agent.WorkingDirectory), logs, agent.ExitTimeOut)

    def last_words(self) -> str:
        """Return the end of what launchd kept of its stderr."""
        with suppress(OSError):
            lines = (self.installed().logs / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join(lines[-LAST_LINES:])
        return ""

    def _problems(self) -> tuple[str, ...]:
        try:
            return stale(self.installed().paths)
        except ServiceError as error:
            return (str(error),)

    def _load(self) -> None:
        """Bootstrap; "input/output error" is fine when the service turns out to be loaded."""
        code, text = 0, ""
        for _ in range(TRIES):
            code, text = self._launchctl("bootstrap", self.domain, str(self.path))
            if code == 0 or (code == IO_ERROR and self.condition().loaded):
                return
            if code not in (BUSY, IO_ERROR):
                break
            self.sleep(PAUSE)
        raise ServiceError(f"launchd doesn't load the service ({code}: {text.strip()}).", "Look at `fixsmith doctor`.")

    def _unload(self) -> None:
        """Boot out, again while launchd says it is busy ending the service."""
        patience = self._patience()
        for _ in range(TRIES + int(patience / PAUSE)):
            code, _ = self._launchctl("bootout", self.target, seconds=SECONDS + patience)
            if code in NO_SUCH or not self.condition().loaded:
                return
            self.sleep(PAUSE)
        raise ServiceError("launchd doesn't let the service go.", "Try again in a minute.")

    def _need_installed(self) -> None:
        if not self.path.exists():
            raise ServiceError("The service isn't installed.", "Run `fixsmith install`.")

    def _must(self, *words: str) -> None:
        code, text = self._launchctl(*words)
        if code:
            raise ServiceError(f"`launchctl {words[0]}` failed ({code}: {text.strip()}).", "Look at `fixsmith doctor`.")

    def _patience(self) -> float:
        """Return the seconds that the service may take for a checkpoint when it is stopped."""
        try:
            return float(self.installed().stop_seconds)
        except ServiceError:
            return 0.0

    def _launchctl(self, *words: str, seconds: float = SECONDS) -> tuple[int, str]:
        try:
            result = subprocess.run(["launchctl", *words], capture_output=True, text=True, timeout=seconds, check=False)
        except FileNotFoundError as error:
            raise ServiceError("There is no `launchctl` here.", "This needs macOS.") from error
        except subprocess.TimeoutExpired as error:
            raise ServiceError(f"`launchctl {words[0]}` doesn't answer.", "Try again.") from error
        return result.returncode, result.stdout + result.stderr


def _number(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text, re.MULTILINE)
    return int(found.group(1)) if found else None
