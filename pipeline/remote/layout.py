"""How a remote run lies in its storage. Every start writes into a folder of its own, so no two can meet.

inputs/SHA256              files by digest: data sets, adapters, the worker's code
models/SHA256/…            base models that aren't on the Hub
RUN/job.json               what is to be trained; written once
RUN/control/claim-NNNN-X   start NNNN was made; whoever sees a newer one than its own stops
RUN/control/sent-NNN       submission NNN was sent off; holds the number of the newest start before it
RUN/control/stop-NNN       submission NNN shall keep a checkpoint and stop
RUN/starts/NNNN-X/…        events.jsonl, checkpoints/step-…/…, output/… of that start
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from pipeline.remote import contract

JOB = "job.json"
EVENTS = "events.jsonl"
OUTPUT = "output"
_SENT = re.compile(r"sent-(\d{3,})")
_CLAIM = re.compile(r"claim-(\d{4,})-([0-9a-f]{8})")


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored file and what it is called on the worker."""

    sha256: contract.Digest
    path: str


class RemoteJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`job.json`: the spec, with paths below the worker's scratch folder, and the files it needs there.

    `model` names a base model in the storage (`models/…`); empty when the spec's is a Hub id.
    `after` names a run whose checkpoints may be gone on from: the same training with another ending.
    """

    spec: contract.Spec
    inputs: tuple[Input, ...]
    model: Annotated[str, Meta(pattern=r"^$|^models/[0-9a-f]{64}$")] = ""
    after: Annotated[str, Meta(pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] = ""


class Start(msgspec.Struct, frozen=True, order=True):
    """One start of the training, by number; `mark` tells two of the same number apart."""

    number: int
    mark: str

    @property
    def name(self) -> str:
        """Return what its folder and its claim are called."""
        return f"{self.number:04d}-{self.mark}"


def job_file(run: str) -> str:
    """Return where the run's job lies."""
    return f"{run}/{JOB}"


def run_file(run: str) -> str:
    """Return the mark that a run is there."""
    return f"runs/{run}"


def input_file(sha256: str) -> str:
    """Return where a file lies, by its digest."""
    return f"inputs/{sha256}"


def control(run: str) -> str:
    """Return the folder of claims and stops."""
    return f"{run}/control"


def claim_file(run: str, start: Start) -> str:
    """Return the claim of a start."""
    return f"{control(run)}/claim-{start.name}"


def stop_file(run: str, submission: int) -> str:
    """Return the file that asks a submission to stop."""
    return f"{control(run)}/stop-{submission:03d}"


def sent_file(run: str, submission: int) -> str:
    """Return the file that tells a submission was sent off."""
    return f"{control(run)}/sent-{submission:03d}"


def starts(run: str) -> str:
    """Return the folder of all starts' folders."""
    return f"{run}/starts"


def start_folder(run: str, start: Start) -> str:
    """Return the folder only `start` writes into."""
    return f"{starts(run)}/{start.name}"


def submissions(names: list[str]) -> list[int]:
    """Return the submissions that names tell were sent off, oldest first."""
    found = (_SENT.fullmatch(name.rpartition("/")[2]) for name in names)
    return sorted(int(one[1]) for one in found if one)


def claims(names: list[str]) -> list[Start]:
    """Return the starts that claims among `names` tell of, oldest first."""
    found = (_CLAIM.fullmatch(name.rpartition("/")[2]) for name in names)
    return sorted(Start(int(one[1]), one[2]) for one in found if one)
