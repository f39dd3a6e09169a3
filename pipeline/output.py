"""What a command prints for a person, to a reader who may leave before the end (`… | head`)."""

from __future__ import annotations

from rich.console import Console


class Output(Console):
    """A console whose reader may leave: the command decides what that means, where rich ends it with 1."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704
