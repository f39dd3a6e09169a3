"""Linux: a systemd user unit, so that the same service can be tried there."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from pathlib import Path

from launchagent.interface import Condition, ServiceError, Specification, search_path, stale
from pipeline.stage import write_atomically

UNIT = "fixsmith.service"
SECONDS = 60.0
QUOTED = r'"((?:[^"\\]|\\.)*)"'
TEMPLATE = """\
[Unit]
Description=fixsmith: security models that learn from your own code
StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={folder}
Environment={path}
Environment=PYTHONUNBUFFERED=1
Restart=on-failure
RestartSec=30
RestartPreventExitStatus=2
TimeoutStopSec={stop_seconds}
KillMode=mixed
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


class Systemd:
    """The user's own systemd."""

    def __init__(self, home: Path | None = None) -> None:
        self.path = (home or Path.home()) / ".config" / "systemd" / "user" / UNIT

    def install(self, specification: Specification) -> bool:
        """Write the unit if it differs, enable and start it."""
        content = unit(specification).encode()
        changed = not self.path.exists() or self.path.read_bytes() != content
        if changed:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, content)
            self._must("daemon-reload")
        self._must("enable", UNIT)
        self._must("restart" if changed else "start", UNIT, seconds=SECONDS + specification.stop_seconds)
        return changed

    def uninstall(self) -> bool:
        """Stop, disable and remove the unit."""
        had = self.path.exists()
        if had:
            self._must("disable", "--now", UNIT, seconds=SECONDS + self._patience())
            self.path.unlink()
            self._must("daemon-reload")
        return had

    def start(self) -> None:
        """Start it."""
        self._need_installed()
        self._must("start", UNIT)

    def stop(self) -> None:
        """Stop it; it starts again at the next login."""
        self._need_installed()
        self._must("stop", UNIT, seconds=SECONDS + self._patience())

    def condition(self) -> Condition:
        """Ask systemd for the unit's properties."""
        if not self.path.exists():
            return Condition(False)
        code, text = self._systemctl("show", UNIT, "--property=ActiveState,MainPID,ExecMainStatus")
        found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line) if code == 0 else {}
        pid = int(found.get("MainPID", "0") or 0) or None
        loaded = found.get("ActiveState") in ("active", "activating", "deactivating")
        status = found.get("ExecMainStatus", "")
        return Condition(True, loaded, pid, int(status) if status.isdigit() else None, self._problems())

    def _problems(self) -> tuple[str, ...]:
        try:
            return stale(self.installed().paths)
        except ServiceError as error:
            return (str(error),)

    def installed(self) -> Specification:
        """Return the service as the unit has it."""
        self._need_installed()
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        arguments = tuple(_unquoted(word) for word in re.findall(QUOTED, values.get("ExecStart", "")))
        seconds = values.get("TimeoutStopSec", "")
        folder = Path(values.get("WorkingDirectory", "/").replace("%%", "%"))
        if not arguments:
            raise ServiceError(f"{self.path} isn't a unit of ours.", "Run `fixsmith install` again.")
        return Specification(arguments, folder, Path("/"), int(seconds) if seconds.isdigit() else 0)

    def last_words(self) -> str:
        """Return the end of what the journal has of it."""
        command = ["journalctl", "--user", f"--unit={UNIT}", "--lines=3", "--output=cat", "--no-pager", "--quiet"]
        with suppress(OSError, subprocess.TimeoutExpired):
            return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False).stdout.strip()
        return ""

    def _patience(self) -> float:
        """Return the seconds that the service may take for a checkpoint when it is stopped."""
        try:
            return float(self.installed().stop_seconds)
        except ServiceError:
            return 0.0

    def _need_installed(self) -> None:
        if not self.path.exists():
            raise ServiceError("The service isn't installed.", "Run `fixsmith install`.")

    def _must(self, *words: str, seconds: float = SECONDS) -> None:
        code, text = self._systemctl(*words, seconds=seconds)
        if code:
            raise ServiceError(
                f"`systemctl --user {words[0]}` failed: {text.strip()}.", "Run `fixsmith run` yourself instead."
            )

    def _systemctl(self, *words: str, seconds: float = SECONDS) -> tuple[int, str]:
        command = ["systemctl", "--user", *words]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except FileNotFoundError as error:
            raise ServiceError("There is no systemd here.", "Run `fixsmith run` yourself instead.") from error
        except subprocess.TimeoutExpired as error:
            raise ServiceError("systemd doesn't answer.", "Try again.") from error
        return result.returncode, result.stdout + result.stderr


def unit(specification: Specification) -> str:
    """Return the unit's text."""
    return TEMPLATE.format(
        command=" ".join(_quoted(word) for word in specification.arguments),
        folder=str(specification.folder).replace("%", "%%"),
        path=_quoted(f"PATH={search_path()}"),
        stop_seconds=specification.stop_seconds,
    )


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word).replace("$$", "$").replace("%%", "%")
