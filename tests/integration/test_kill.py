"""Pull the plug anywhere: the same command again ends with the same bytes, and nothing lives on."""

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.conftest import Command, outputs

KEY = "redaction.key"


def killed_at_random(command: Command, arguments: list[object], kills: int, longest: float, seed: int) -> int:
    """Start the command and SIGKILL it, `kills` times at random moments; return how many it outlived."""
    moments = random.Random(seed)
    survived = 0
    for _ in range(kills):
        process = command.start(*arguments)
        try:
            process.wait(moments.uniform(0.05, longest))
            survived += 1
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return survived


def alive_with(mark: str) -> list[str]:
    """Return the command lines of living processes that name `mark`."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if mark in line and "ps -eo" not in line]


def same_outputs(one: Path, other: Path) -> None:
    left, right = outputs(one / "latest" / ""), outputs(other / "latest" / "")
    assert sorted(left) == sorted(right)
    assert [name for name in left if left[name] != right[name]] == []


@pytest.mark.slow
def test_killed_while_making_data_sets_the_bytes_are_the_same(command, demo) -> None:
    arguments = [
        *("--artifacts-dir", demo / "artifacts" / "second", "--source", demo / "app" / "second"),
        *("--earlier-artifacts", demo / "artifacts" / "first", "--earlier-source", demo / "app" / "first"),
        *("--config", demo / "settings.yaml", "--skip-fine-tuning"),
    ]
    started = time.monotonic()
    assert command(*arguments, "--output-dir", "whole").returncode == 0
    longest = time.monotonic() - started
    (command.folder / "cut").mkdir()
    shutil.copy(command.folder / "whole" / KEY, command.folder / "cut" / KEY)
    arguments += ["--output-dir", "cut"]
    survived = killed_at_random(command, arguments, kills=12, longest=longest, seed=5)
    assert survived < 12, "no kill ever hit the command at work"
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    same_outputs(command.folder / "whole", command.folder / "cut")
