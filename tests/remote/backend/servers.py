"""Real servers on the loopback: S3 by moto, ssh by OpenSSH. Missing ones skip the tests that need them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from pipeline.remote.ports import free_port
from pipeline.remote.ssh import Ssh
from pipeline.remote.storage.disk import DiskStorage

from .worker_python import ROOT


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    import socket

    for _ in range(300):
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server didn't come up")


def s3_python() -> Path:
    """Return the interpreter that has moto, or skip the test."""
    python = Path(os.environ.get("FIXSMITH_MOTO_PYTHON") or ROOT / ".venv-s3" / "bin" / "python")
    if not python.exists():
        pytest.skip("no S3 server: make .venv-s3/.ready, or set FIXSMITH_MOTO_PYTHON to an interpreter with moto")
    return python


class BucketServer:
    """moto's S3 server with one bucket."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = [str(s3_python()), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port, self.process)
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/runs", method="PUT")
        urllib.request.urlopen(request).close()
        self._made = 0

    def address(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Return the address of an empty prefix; sets made-up keys in the environment."""
        self._made += 1
        for name, value in self.environment().items():
            monkeypatch.setenv(name, value)
        return f"s3://runs/p{self._made}?scheme=http&endpoint_override=127.0.0.1:{self.port}&region=us-east-1"

    @staticmethod
    def environment() -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "up", "AWS_EC2_METADATA_DISABLED": "true"}

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class SshServer:
    """An sshd of one user with keys of its own; `kill` and `serve` make the network go and come."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
        if found is None or shutil.which("ssh-keygen") is None:
            pytest.skip("no sshd here (Debian: openssh-server)")
        self.sshd, self.folder, self.port = found, folder, free_port()
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
                check=True,
                capture_output=True,
            )
        (folder / "authorized").write_text((folder / "user.pub").read_text())
        (folder / "authorized").chmod(0o600)
        (folder / "home").mkdir()
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {folder / 'authorized'}\nStrictModes no\nPasswordAuthentication no\n"
            f"PermitRootLogin prohibit-password\nMaxSessions 50\nMaxStartups 50\nSetEnv HOME={folder / 'home'}\n"
        )
        (folder / "config").write_text(
            f"Host worker\n  HostName 127.0.0.1\n  Port {self.port}\n  IdentityFile {folder / 'user'}\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {folder / 'known'}\n  StrictHostKeyChecking accept-new\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True) if os.access("/run", os.W_OK) else None
        self.serve()

    def serve(self) -> None:
        """Listen."""
        command = [self.sshd, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_for(self.port, self.process)

    def kill(self) -> None:
        """Stop listening, and break what is connected."""
        subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)
        self.process.kill()
        self.process.wait()

    def ssh(self) -> Ssh:
        return Ssh("worker", self.folder / "config")

    def storage(self, root: Path) -> DiskStorage:
        return DiskStorage(self.ssh(), str(root))
