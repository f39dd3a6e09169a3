"""A teacher on this machine: an mlx-lm model in a child process, whose memory goes back when it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import msgspec

from config.settings import Teacher as TeacherSettings
from pipeline.dataset.teacher.interface import Answered, Conversation, TeacherFailed
from pipeline.models import blas


class Asked(msgspec.Struct, frozen=True):
    """What the child process is told."""

    model: str
    tokens: int
    conversations: tuple[Conversation, ...]


class Local:
    """Answers greedily with the model named in the settings: a Hub id, a folder or `embedded`."""

    def __init__(self, settings: TeacherSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """The model's name."""
        return self._settings.model

    def write(self, asked: Sequence[Conversation], answered: Answered) -> None:
        """Answer each conversation; raise TeacherFailed when the child fails."""
        told = msgspec.json.encode(Asked(self._settings.model, self._settings.tokens, tuple(asked)))
        command = [sys.executable, "-m", "pipeline.dataset.teacher.worker"]
        try:
            done = subprocess.run(
                command,
                input=told,
                capture_output=True,
                env=blas.environment(),
                timeout=self._settings.seconds * max(1, len(asked)),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TeacherFailed("The teacher took too long.", "Raise teacher.seconds.") from error
        if done.returncode != 0:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise TeacherFailed(f"The teacher could not answer: {last[0]}", "Check teacher.model.")
        for number, text in enumerate(msgspec.json.decode(done.stdout.splitlines()[-1], type=list[str])):
            answered(number, text)
