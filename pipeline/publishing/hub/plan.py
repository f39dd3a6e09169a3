"""What the child process is told, and what it tells: lines of JSON."""

from __future__ import annotations

from pipeline.publishing.interface import Published, Release
from pipeline.records import Record


class Plan(Record):
    """An upload. It goes to the child on its standard input, since it holds the token."""

    endpoint: str
    token: str
    release: Release
    public: tuple[str, ...]
    request_seconds: float
    total_seconds: float
    attempts: int
    retry_seconds: float

    def __repr__(self) -> str:
        return f"Plan({self.release.run})"


class Sent(Record, tag=True):
    """Bytes that went out so far, of how many, and for what."""

    what: str
    done: int
    total: int


class Waits(Record, tag=True):
    """The Hub gave no usable answer; it is asked again after so many seconds."""

    why: str
    seconds: float


class Done(Record, tag=True):
    """The end: what was published."""

    published: tuple[Published, ...]


class Failed(Record, tag=True):
    """The end: an error of this name in `interface`, its message and its hint."""

    error: str
    message: str
    hint: str


Line = Sent | Waits | Done | Failed
