"""The intake on a real file system that is full: `python -m tests.daemon.small_disk FOLDER`, a tmpfs of 4 MB."""

import os
import sys
from pathlib import Path

from daemon.errors import StoreBusy
from tests.daemon.conftest import REPOSITORY, FakeClock, FakeSensors, Scene, zipped
from tests.daemon.stand_in import StandIn


def main():
    folder, clock = Path(sys.argv[1]), FakeClock()
    os.environ["HOME"] = str(folder)
    with StandIn(clock) as github:
        github.repository(REPOSITORY)
        content = zipped({"a.sarif": os.urandom(1_400_000)})
        run = github.run(REPOSITORY)
        number = github.upload(run, "scan", content)
        github.artifacts[number]["size"] = 800_000  # so that the disk fills while it is written, not before
        scene = Scene(folder, clock, FakeSensors(), github)
        ballast = folder / "ballast"
        fill(ballast, spare=1_000_000)
        intake = scene.intake()
        step(intake)
        [(state, reason)] = scene.states().values()
        assert state in ("candidate", "accepted"), (state, reason)
        assert not list(scene.layout.downloads.rglob("*.zip"))
        fill(ballast, spare=0)
        clock.pass_by(400)
        try:
            for _ in range(200):
                scene.store.note("filler", "x" * 20_000, clock.now())
                scene.store.note(f"filler-{_}", "x" * 20_000, clock.now())
        except StoreBusy as error:
            print(error.message)
        else:
            raise AssertionError("the database wasn't full")
        ballast.unlink()
        for _ in range(5):
            clock.pass_by(4000)
            step(intake)
        assert [run.state for run in scene.store.queue.in_state("queued")] == ["queued"], scene.states()
        [got] = scene.layout.downloads.rglob("*.zip")
        assert got.read_bytes() == content
        scene.store.close()


def step(intake):
    """Step as the service's loop does, which records an error and goes on later."""
    try:
        intake.step()
    except StoreBusy as error:
        print(error.message)


def fill(ballast, spare):
    """Leave so many bytes free."""
    ballast.unlink(missing_ok=True)
    space = os.statvfs(ballast.parent)
    ballast.write_bytes(bytes(max(0, space.f_bavail * space.f_frsize - spare)))


if __name__ == "__main__":
    main()
