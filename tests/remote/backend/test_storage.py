"""One contract, three storages: a folder, a bucket behind a real S3 server, a disk behind a real sshd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import InputRefused, UsageError
from pipeline.remote.errors import Gone
from pipeline.remote.storage.folder import FolderStorage
from pipeline.remote.storage.interface import Entry, Storage
from pipeline.remote.storage.opening import as_seen_there, opened

from .servers import BucketServer, SshServer

KINDS = ("folder", "bucket", "disk")


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Return a storage of each kind, empty."""
    if request.param == "folder":
        return FolderStorage(tmp_path / "my store")
    if request.param == "bucket":
        server: BucketServer = request.getfixturevalue("bucket_server")
        return opened(server.address(monkeypatch))
    host: SshServer = request.getfixturevalue("ssh_server")
    return host.storage(tmp_path / "my store")


def test_what_is_put_there_is_there(storage: Storage, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "one").write_bytes(content)
    assert storage.entries("run") == []
    storage.put(tmp_path / "one", "run/deep/one.bin")
    storage.write("run/two", b"\n\0two")
    storage.write("runner/three", b"3")
    assert storage.entries("run") == [Entry("run/deep/one.bin", len(content)), Entry("run/two", 5)]
    storage.get("run/deep/one.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert storage.read("run/two") == b"\n\0two"
    assert storage.read("run/deep/one.bin", 250, 10) == content[250:260]
    assert storage.read("run/two", 99) == b""


def test_a_file_is_replaced_and_removed(storage: Storage) -> None:
    storage.write("run/two", b"long before")
    storage.write("run/two", b"now")
    assert storage.read("run/two") == b"now"
    storage.write("run/sub/three", b"3")
    storage.delete("run")
    storage.delete("run")
    assert storage.entries("run") == []


def test_what_is_not_there_is_gone(storage: Storage, tmp_path: Path) -> None:
    for ask in (lambda: storage.read("run/none"), lambda: storage.get("run/none", tmp_path / "none")):
        with pytest.raises(Gone):
            ask()


@pytest.mark.parametrize(
    "name", ["../up", "run/../../up", "/root", "run//x", "a b", "run/$(id)", "run/.hidden", "-x", ""]
)
def test_a_name_that_could_lead_elsewhere_is_refused(storage: Storage, tmp_path: Path, name: str) -> None:
    uses: list[Callable[[], object]] = [
        lambda: storage.write(name, b""),
        lambda: storage.read(name),
        lambda: storage.entries(name),
        lambda: storage.delete(name),
        lambda: storage.get(name, tmp_path / "x"),
    ]
    for use in uses:
        with pytest.raises(InputRefused):
            use()


@pytest.mark.parametrize("address", ["relative/folder", "http://127.0.0.1/x", "s3://", "ssh://host", "ssh://host/", ""])
def test_what_is_no_storage_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no storage"):
        opened(address)


def test_keys_do_not_belong_in_an_address() -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(UsageError, match="key"):
        opened("s3://id:secret@bucket/prefix")


def test_the_worker_sees_its_own_disk_as_a_folder() -> None:
    assert as_seen_there("ssh://gpu/data/runs") == "/data/runs"
    assert as_seen_there("s3://bucket/runs") == "s3://bucket/runs"
