"""A real Ray head on the loopback, shared by the tests of this folder, and jobs to send there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.remote.ray import head as heads
from pipeline.remote.ray.client import Jobs
from pipeline.remote.ray.head import Head

from .servers import BucketServer, SshServer
from .worker_python import stub_package, worker_python


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the worker's package, with the stub for a worker."""
    return stub_package(tmp_path_factory.mktemp("code") / "worker.zip")


@pytest.fixture(scope="session")
def head_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for a head, which is ended with all it started."""
    python = worker_python()
    assert python
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 starves its workers on a busy machine
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"fsh-{os.getpid()}"  # short: sockets lie in it
    yield folder
    heads.end(folder)
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def head(head_folder: Path) -> Head:
    """Return a running head; one that a test killed is started anew."""
    return heads.start(head_folder, worker_python(), cpus=4)


@pytest.fixture
def jobs(head: Head) -> Iterator[Jobs]:
    """Return the head's Jobs API."""
    client = Jobs(head.url, head.token)
    yield client
    client.close()


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    """Return a running S3 server."""
    pytest.importorskip("pyarrow")
    server = BucketServer(tmp_path_factory.mktemp("bucket"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Return a running sshd."""
    server = SshServer(tmp_path_factory.mktemp("ssh"))
    yield server
    server.kill()
