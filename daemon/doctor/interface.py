"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from config.settings import Settings


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"


class Finding(msgspec.Struct, frozen=True):
    """What a check found, and what to do about it."""

    what: str
    level: Level
    detail: str
    advice: str = ""


class Circumstances(msgspec.Struct, frozen=True):
    """What checks look at. `network`: whether GitHub may be asked."""

    settings: Settings
    config: Path | None
    network: bool


Check = Callable[[Circumstances], Iterator[Finding]]
