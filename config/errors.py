"""The error tree: what happened, what to do next, and the exit code it ends in.

Foreign exceptions are converted into one of these where they enter, and only the
command line prints them.
"""

from __future__ import annotations


class Error(Exception):
    """Something failed; the work done so far is kept and the command can be repeated.

    `message` is one sentence saying what happened, `hint` one saying what to do.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(Error):
    """The command was used in a way that can't work: flags, arguments or settings."""

    exit_code = 2


class SettingsError(UsageError):
    """A settings file or an override holds something that isn't a valid setting."""


class InputRefused(Error):
    """What came from outside (artifact, report, source, data set) can't be used."""

    exit_code = 3


class NothingToLearn(InputRefused):
    """What came from outside is in order, but holds nothing a model could be trained on."""


class NotBetter(Error):
    """The challenger didn't beat the champion, so nothing was published."""

    exit_code = 4


class Postponed(Error):
    """The work waits for power, heat, quiet hours or a rate limit; it will be repeated."""

    exit_code = 75


def of_system(error: OSError) -> Error:
    """Return what a person is told when the system refuses a file: what, where, and what to do."""
    what = error.strerror or str(error) or type(error).__name__
    named = f"{error.filename}: {what}" if error.filename else what
    return Error(f"{named}.", "Check the path, its owner and the free space; then run it again.")
