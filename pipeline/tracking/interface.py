"""The seam: what a tracker is told of a training. One implementation a file, its package imported when it is begun."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from config.errors import Error


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """A training: `name` is the same whenever it goes on, `model` what its adapter is registered as.

    `folder` is where a tracker that writes files may write them.
    """

    name: str
    model: str
    experiment: str
    folder: Path
    parameters: Mapping[str, str | float]


class TrackingError(Error):
    """A tracker can't be had or doesn't answer; the training goes on without it."""


class Tracker(Protocol):
    """Writes one training down. The same training begun again goes on in the same place."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write what was measured at a step."""

    def done(self, figures: Mapping[str, float], adapter: Path) -> None:
        """Write the result's figures, keep the adapter's files, and register the model where that is possible."""

    def close(self, *, failed: bool) -> None:
        """End the run: well, or to be gone on with."""
