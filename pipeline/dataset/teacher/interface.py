"""The seam of the teachers: conversations in, one text each out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from config.errors import Error
from pipeline.records import Message


class TeacherFailed(Error):
    """The teacher can't be reached or doesn't answer as it should; what it wrote so far is kept."""


Conversation = tuple[Message, ...]
Answered = Callable[[int, str], None]
"""Called with a conversation's number and its answer as soon as that is known."""


class Teacher(Protocol):
    """A model that writes explanations."""

    @property
    def name(self) -> str:
        """What the data set calls it: the author recorded with each text."""
        ...

    def write(self, asked: Sequence[Conversation], answered: Answered) -> None:
        """Answer each conversation; raise TeacherFailed when that fails."""
        ...
