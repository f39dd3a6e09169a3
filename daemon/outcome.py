"""What a child's end means for its run."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from daemon.store.records import RunState

POSTPONED_SECONDS = 300.0
ENDINGS = {
    0: (RunState.DONE, ""),
    2: (RunState.PARKED, "the flow was used wrongly or its settings are wrong"),
    3: (RunState.REFUSED, "the flow refused its input"),
    4: (RunState.NOT_BETTER, "the challenger didn't beat the champion"),
}


NOTHING = "NothingToLearn"
"""The kind of error that a scan without findings ends in."""


class Verdict(StrEnum):
    """What happens to the run."""

    FINISHED = "finished"
    CLEAN = "clean"  # in order, with nothing to learn from
    AGAIN = "again"  # nobody's fault: it goes on later
    INTERRUPTED = "interrupted"  # cut off from outside
    FAILED = "failed"


class Outcome(msgspec.Struct, frozen=True):
    """The verdict, and where it applies the final state, the reason and the wait in seconds."""

    verdict: Verdict
    reason: str = ""
    state: RunState = RunState.QUEUED
    wait: float = 0.0


def judge(code: int, error: str, *, stopped: str | None, kind: str = "") -> Outcome:
    """Return what an exit code means, given what was said, the kind of error and why it was asked to stop."""
    if code in ENDINGS:
        is_clean = (code, kind) == (3, NOTHING)
        state, reason = (RunState.DONE, "") if is_clean else ENDINGS[code]
        return Outcome(Verdict.CLEAN if is_clean else Verdict.FINISHED, "" if code == 0 else error or reason, state)
    if stopped in ("memory", "silence"):
        reasons = {"memory": "it used more than daemon.memory_gigabytes", "silence": "it reported nothing for too long"}
        return Outcome(Verdict.FAILED, reasons[stopped])
    if stopped is not None:
        return Outcome(Verdict.AGAIN, f"stopped: {stopped}")
    if code == 75:
        return Outcome(Verdict.AGAIN, error or "the flow postponed it", wait=POSTPONED_SECONDS)
    if code < 0:
        return Outcome(Verdict.INTERRUPTED, f"it was ended by signal {-code}")
    return Outcome(Verdict.FAILED, error or f"the flow ended with exit code {code}; `fixsmith logs RUN` shows why")
