"""Attempts fence each other: a number is claimed once, and only the highest one writes."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.disk import synchronise
from pipeline.remote.contract import CLAIMS
from pipeline.remote.worker.errors import Superseded


class Claim:
    """This attempt's right to write into the run's work and output folders."""

    def __init__(self, work: Path, attempt: int) -> None:
        """Claim `attempt`; raises `Superseded` when it, or a higher number, was claimed before."""
        self.folder, self.attempt = work / CLAIMS, attempt
        self.folder.mkdir(parents=True, exist_ok=True)
        self.check()
        try:
            os.close(os.open(self.folder / f"{attempt:06d}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError as error:
            raise Superseded(f"Attempt {attempt} has been started before.", "Start the next attempt.") from error
        synchronise(self.folder)
        self.check()

    def check(self) -> None:
        """Raise `Superseded` when a higher number is claimed."""
        highest = max((int(path.name) for path in self.folder.iterdir() if path.name.isdigit()), default=0)
        if highest > self.attempt:
            raise Superseded(
                f"Attempt {self.attempt} stops: attempt {highest} has taken over.", "Look at the later attempt."
            )
