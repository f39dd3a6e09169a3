"""kill -9 of service and child at random: `python -m benchmarks.kills [--kills 200] [--seed 1] [--longest 0.8]`.

The real service on a GitHub on loopback with a stubbed flow, as in `tests/daemon/test_service.py`.
Ends with an AssertionError when a run was lost or finished twice, a process was left over, or
anything wrote a traceback.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from tests.daemon.conftest import REPOSITORY
from tests.daemon.stand_in import StandIn
from tests.daemon.test_service import FAST, Running, check_after_kills, kill_at_random


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=0.8, help="most seconds before the next kill of the service")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, StandIn() as github:
        github.repository(REPOSITORY)
        sections = {"daemon": {**FAST, "newest_only": False}, "github": {"poll_seconds": 10}}
        one = Running(Path(folder), github, **sections).start()
        begun = time.monotonic()
        try:
            chance = random.Random(arguments.seed)
            numbers, kills = kill_at_random(one, github, chance, arguments.kills, arguments.longest)
            check_after_kills(one, numbers)
        finally:
            if one.process.poll() is None:
                one.stop()
        ended = one.log().count("processes ended")
        print(json.dumps({"kills": kills, "runs": len(numbers), "recoveries": ended,
                          "seconds": round(time.monotonic() - begun)}))  # fmt: skip


if __name__ == "__main__":
    main()
