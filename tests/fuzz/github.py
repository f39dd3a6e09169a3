"""A GitHub that answers anything: `python -m tests.fuzz.github [SECONDS] [FIRST_SEED]`.

Statuses, headers, bodies and broken connections at random, in front of twelve workflow runs; then it is well again. Any
exception out of a step is a fault, so is a run lost, taken twice or with other bytes, or a token at the storage.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from daemon.store.records import ArtifactState, RunState
from tests.daemon.conftest import REPOSITORY, FakeClock, FakeSensors, Scene, zipped
from tests.daemon.stand_in import StandIn

STATUSES = (
    200,
    200,
    201,
    204,
    206,
    301,
    302,
    304,
    307,
    308,
    400,
    401,
    403,
    404,
    409,
    416,
    418,
    422,
    429,
    451,
    500,
    503,
    599,
)
HEADERS = {
    "Retry-After": ("0", "-5", "1e9", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 20, ""),
    "x-ratelimit-remaining": ("0", "-1", "NaN", "5"),
    "x-ratelimit-reset": ("0", "-1", "9" * 30, "x"),
    "Date": ("Wed, 31 Dec 1969 23:59:59 GMT", "garbage", "Thu, 01 Jan 9999 00:00:00 GMT", "Fri, 30 Feb 2024 00:00:00"),
    "Location": (
        "/",
        "..",
        "//",
        "http://[",
        "https://x@y/",
        "\u00ff",
        "http://127.0.0.1:1/x",
        "/repos/acme/shop",
        "?",
    ),
    "Link": (
        '<>; rel="next"',
        "<http://[>; rel=next",
        '<?page=2>; rel="next"',
        ";;;",
        "<a",
        '<https://e.x/>; rel="next"',
    ),
    "ETag": ('""', 'W/"x"', "x" * 5000, "\u00ff"),
    "Content-Type": ("", "x", "application/zip"),
    "Content-Range": ("bytes 5-9/10", "x"),
    "Content-Encoding": ("gzip", "br"),
    "Content-Disposition": ('attachment; filename="../../x"', "attachment; filename*=bogus''%FF%00", "\u00ff" * 300),
}
BODIES = (
    "", "null", "[]", "{}", '{"message":null}', '{"message":{"a":[1]}}', "[[[[", '"x"', '{"workflow_runs":[{}]}',
    '{"workflow_runs":[]}', '{"artifacts":null}', '{"artifacts":[]}', "<html>", "\x00\x01", '{"id":1}',
    '{"status":"behind"}', '{"status":7}', '{"id":1e400}', '{"total_count":1}',
)  # fmt: skip
PLACES = (".", r"/runs\?", "/compare/", "/artifacts", "/zip$", "/blob/")


def fault(chance: random.Random) -> Any:
    """Return something that the stand-in does instead of answering."""
    kind = chance.random()
    if kind < 0.1:
        return "reset"
    if kind < 0.2:
        return (chance.choice(("short", "short-unsaid")), chance.randrange(60))
    headers = {name: chance.choice(HEADERS[name]) for name in chance.sample(list(HEADERS), chance.randrange(4))}
    return (chance.choice(STATUSES), headers, chance.choice(BODIES))


def trial(seed: int, folder: Path, github: StandIn, clock: FakeClock) -> None:
    """Have one GitHub fail and recover; raises AssertionError, or what got out of a step."""
    chance, runs = random.Random(seed), []
    github.repository(REPOSITORY)
    one = Scene(folder, clock, FakeSensors(), github, daemon={"attempts": 1000, "retry_most_seconds": 600},
                github={"artifact_wait_minutes": 300, "answer_seconds": 2, "request_seconds": 2})  # fmt: skip
    intake = one.intake()
    for number in range(12):
        contents = {f"a{index}": zipped({"x": f"{seed} {number} {index}"}) for index in range(chance.randrange(1, 3))}
        runs.append(github.run(REPOSITORY, artifacts=contents))
        for _ in range(chance.randrange(6)):
            github.fail(chance.choice(PLACES), fault(chance), where=chance.choice(("api", "api", "storage")))
        for _ in range(3):
            clock.pass_by(chance.choice((10, 400, 4000)))
            intake.step()
    github.faults.clear()
    for _ in range(60):
        clock.pass_by(4000)
        intake.step()
    assert {one.states()[run][0] for run in runs} == {"queued"}, one.states()
    for run in one.store.queue.in_state(RunState.QUEUED):
        number = int(run.key.split(":")[2])
        line = one.store.ledger.workflow_run(one.store.ledger.repositories()[0].id, number, 1)
        whole = {one.id for one in one.store.ledger.artifacts(line) if one.state == ArtifactState.DOWNLOADED}
        got = sorted(path.read_bytes() for path in Path(run.folder).rglob("*") if path.is_file())
        assert got == sorted(github.blobs[artifact] for artifact in whole), run
    assert len(one.store.queue.in_state(RunState.QUEUED)) == len(runs)
    assert not any("Authorization" in headers for _, headers in github.storage_requests)
    one.store.close()


def main() -> int:
    """Try seeds until the time is over."""
    seconds, seed = float((*sys.argv[1:], "60")[0]), int((*sys.argv[2:], "1")[0])
    logging.disable(logging.CRITICAL)
    deadline, first = time.monotonic() + seconds, seed
    while time.monotonic() < deadline:
        clock = FakeClock()
        with tempfile.TemporaryDirectory() as folder, StandIn(clock) as github:
            os.environ["HOME"] = folder
            try:
                trial(seed, Path(folder), github, clock)
            except BaseException:
                print(f"seed {seed}")
                raise
        seed += 1
    print(f"{seed - first} seeds, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
