"""What can go wrong between here and a remote worker."""

from __future__ import annotations

from config.errors import Error, Postponed, UsageError


class Unreachable(Postponed):
    """The machine, the cluster or the storage doesn't answer; what runs there goes on, and is found again."""


class RemoteRefused(UsageError):
    """The remote side doesn't accept the token, the address or the request; repeating it won't help."""


class RemoteError(Error):
    """The remote side answered something that isn't expected."""


class Gone(RemoteError):
    """What was asked for isn't there, or not any more."""
