"""The service's log: plain lines, rotated by ourselves, with nothing in it that looks like a token."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from pathlib import Path

from config.settings import Daemon

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TOKENS = re.compile(r"(gh[pousr]_|github_pat_|hf_|Bearer )[A-Za-z0-9_\-.=]{8,}")
MEGABYTE = 1024 * 1024


class Masked(logging.Formatter):
    """Formats a record; what looks like a token is masked, in exceptions too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return TOKENS.sub(r"\1***", super().format(record))


def set_up(path: Path, settings: Daemon, *, echo: bool) -> logging.Handler:
    """Log to a rotated file, and to stderr with `echo`; a full disk doesn't stop the service."""
    logging.raiseExceptions = False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=int(settings.log_megabytes * MEGABYTE), backupCount=settings.log_files, encoding="utf-8"
    )
    root = logging.getLogger("fixsmith")
    root.setLevel(logging.INFO)
    root.propagate = False
    handlers: list[logging.Handler] = [handler]
    if echo:
        handlers.append(logging.StreamHandler(sys.stderr))
    for one in handlers:
        one.setFormatter(Masked(FORMAT))
        root.addHandler(one)
    return handler


def cap(path: Path, most: int) -> None:
    """Shorten a run's log to its end; its writer holds it open, so it is rewritten in place."""
    try:
        if path.stat().st_size <= most:
            return
        with path.open("r+b") as stream:
            stream.seek(-most // 2, 2)
            tail = stream.read()
            stream.seek(0)
            stream.write(b"(the beginning was cut off)\n" + tail)
            stream.truncate()
    except OSError:
        return
