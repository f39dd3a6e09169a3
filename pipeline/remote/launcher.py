"""What starts a training elsewhere: one implementation for Ray, one for ssh, one for Slurm."""

from __future__ import annotations

import hashlib
from typing import Literal, Protocol

import msgspec

Kind = Literal["waiting", "running", "ended", "gone"]


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A run sent off for the `number`th time; `storage` as the worker sees it, `code` its package here."""

    run: str
    number: int
    storage: str
    code: str

    @property
    def name(self) -> str:
        """Return its id, the same whenever this submission is repeated, another's in another storage."""
        where = hashlib.sha256(self.storage.encode()).hexdigest()[:8]
        return f"{self.run}-{where}-a{self.number}"


class State(msgspec.Struct, frozen=True):
    """How a submission stands. `gone`: whoever ran it doesn't know it (any more). `message` is theirs."""

    kind: Kind
    message: str = ""


class Launcher(Protocol):
    """Starts submissions. Every method may be repeated; all raise Unreachable when nobody answers."""

    name: str

    def start(self, submission: Submission) -> None:
        """Start it; one that was started already is left as it is."""
        ...

    def state(self, submission: Submission) -> State:
        """Return how it stands."""
        ...

    def stop(self, submission: Submission) -> None:
        """End it now; what should have been kept was asked for before, through the storage."""
        ...

    def log(self, submission: Submission) -> str:
        """Return what it has written, its end if that is long."""
        ...

    def check(self) -> list[str]:
        """Return what there is, a line each, for a person; raise the Error that keeps a training from starting."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
