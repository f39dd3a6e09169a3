"""The repeat of stage 2 is killed too: the same job again, the same bytes in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from config.errors import Error
from pipeline.training.backend import TrainingEvent, TrainingJob, TrainingResult
from pipeline.training.mlx.backend import MlxBackend
from pipeline.training.mlx.training import train

from .test_resume import contents, quiet

RECIPE = {"max_epochs": 4, "learning_rate": 1e-2, "eval_steps": 4, "save_steps": 2}
BEFORE_THE_RENAME = "files.rename_folder = die"
AFTER_THE_RENAME = "rename = files.rename_folder\nfiles.rename_folder = lambda *paths: (rename(*paths), die())"
KILLED_WHERE_IT_PUTS_THE_ADAPTER = """
import os, signal, sys, msgspec
from pipeline.training import files, forgetting
from pipeline.training.backend import TrainingJob
from pipeline.training.mlx.backend import MlxBackend
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
{where}
MlxBackend().train(msgspec.json.decode(sys.argv[1], type=TrainingJob), lambda event: None)
"""


def killed_in_the_repeat(job: TrainingJob, moment: Callable[[TrainingEvent], bool]) -> None:
    """Train with a real SIGKILL of the child at the first event of the repeat for which `moment` holds."""
    training, repeating = MlxBackend(), False

    def kill(event: TrainingEvent) -> None:
        nonlocal repeating
        repeating |= "training again" in event.message
        if repeating and moment(event):
            [*training._children.values()][-1].kill()

    with pytest.raises(Error, match="signal 9"):
        training.train(job, kill)


@pytest.mark.slow
def test_kills_in_the_repeat_change_nothing(job) -> None:
    one = job("one", **RECIPE)
    train(one, quiet, lambda: False)
    two = RECIPE | {"forgetting_budget": 0.0}
    plain = job("plain", stage_one=Path(one.output), **two)
    wanted = MlxBackend().train(plain, quiet)
    assert wanted.replay_share == 0.25

    again = job("again", stage_one=Path(one.output), **two)
    killed_in_the_repeat(again, lambda event: event.kind == "step" and event.step == 5)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    for where in (BEFORE_THE_RENAME, AFTER_THE_RENAME):
        program = KILLED_WHERE_IT_PUTS_THE_ADAPTER.format(where=where)
        command = [sys.executable, "-c", program, msgspec.json.encode(again).decode()]
        assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    found = MlxBackend().train(again, quiet)
    assert contents(again) == contents(plain)
    assert compared(found) == compared(wanted)


def compared(result: TrainingResult) -> TrainingResult:
    """Return the result without where and how fast it came to be."""
    return msgspec.structs.replace(result, adapter="", seconds=0.0, peak_memory_bytes=0)
