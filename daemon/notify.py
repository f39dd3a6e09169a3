"""Telling a person: once for each matter, through the system's notifications."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Callable

from config.reload import LiveSettings
from daemon.clock import Clock
from daemon.places import told
from daemon.store.store import Store

SECONDS = 10.0
SCRIPT = "on run {title, body}\ndisplay notification body with title title\nend run"
logger = logging.getLogger("fixsmith.notify")


class Notifier:
    """Tells a person what needs them. What was told is remembered, so that nothing is told twice."""

    def __init__(
        self, store: Store, live: LiveSettings, clock: Clock, show: Callable[[str, str], None] | None = None
    ) -> None:
        self.store = store
        self.live = live
        self.clock = clock
        self.show = show or display

    def needs_person(self, matter: str, title: str, text: str) -> None:
        """Tell of something that doesn't go on without a person; later calls for the same text do nothing.

        It is noted for `status` where notifications are off, too.
        """
        if self.store.fact(told(matter), str) == text:
            return
        logger.warning("%s: %s", title, text)
        self.store.note(told(matter), text, self.clock.now())
        if self.live.current().notifications.enabled:
            self.show(f"fixsmith: {title}", text)

    def result(self, title: str, text: str) -> None:
        """Tell of a finished run, where the settings ask for it."""
        chosen = self.live.current().notifications
        if chosen.enabled and chosen.results:
            self.show(f"fixsmith: {title}", text)

    def settled(self, matter: str) -> None:
        """Forget that a matter was told, because it is in order again."""
        if self.store.fact_at(told(matter)) is not None:
            self.store.forget(told(matter))


def display(title: str, text: str) -> None:
    """Show a notification; where there is no way to, the log has it."""
    command = notification_command(title, text[:300])
    if command is None:
        return
    try:
        subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        logger.info("the notification couldn't be shown")


def notification_command(title: str, text: str) -> list[str] | None:
    """Return the command; title and text are arguments, never part of a script."""
    if sys.platform == "darwin":
        return ["/usr/bin/osascript", "-e", SCRIPT, title, text]
    program = shutil.which("notify-send")
    return None if program is None else [program, "--app-name=fixsmith", "--", title, text]
