"""A machine behind ssh as strangers meet it: another key, a talking shell, a wrong interpreter, a full disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from config.errors import UsageError
from pipeline.remote.errors import RemoteError, RemoteRefused, Unreachable
from pipeline.remote.launcher import Submission
from pipeline.remote.machine import Machine
from pipeline.remote.ray.address import checked
from pipeline.remote.slurm_launcher import SlurmLauncher
from pipeline.remote.ssh import Ssh
from pipeline.remote.ssh_launcher import SshLauncher
from pipeline.remote.storage.opening import opened

from .processes import running
from .servers import SshServer

SUBMISSION = Submission(run="fs-one", number=1, storage="/none", code="/none")


OPTIONS = [
    "-oProxyCommand=touch /tmp/owned",
    "gpu -oProxyCommand=x",
    "gpu;id",
    "$(id)",
    "-F/dev/null",
    "a@-b",
    "",
    "g pu",
]


def test_a_machine_knows_a_run_of_another_storage_as_another() -> None:
    other = msgspec.structs.replace(SUBMISSION, storage="/other")
    again = msgspec.structs.replace(SUBMISSION, code="/newer")
    assert other.name != SUBMISSION.name == again.name


@pytest.mark.parametrize("host", OPTIONS)
def test_a_host_is_no_option_and_no_command(host: str) -> None:
    with pytest.raises(RemoteRefused):
        Ssh(host)
    for open_it in (lambda: checked(f"ssh://{host}"), lambda: opened(f"ssh://{host}/data")):
        with pytest.raises(UsageError):
            open_it()


@pytest.mark.parametrize(
    "address", ["ssh://gpu:2222/runs", "ssh://gpu/~/runs", "ssh://gpu/runs?x", "ssh://a:b@gpu/runs"]
)
def test_a_storage_ssh_cant_reach_like_that_is_refused_before_it_is_tried(address: str) -> None:
    with pytest.raises(UsageError) as raised:
        opened(address)
    assert "a:b" not in str(raised.value)


def test_a_host_keeps_its_case_for_sshs_configuration_knows_it() -> None:
    assert checked("ssh://Ada@GPU-Box").host == "Ada@GPU-Box"


def test_no_message_repeats_a_password(capfd: pytest.CaptureFixture[str]) -> None:
    for address in ("https://ada:sesame@ray.example.org", "ssh://ada:sesame@gpu", "http://ada:sesame@10.0.0.1:x"):
        with pytest.raises(RemoteRefused) as raised:
            checked(address)
        assert "sesame" not in str(raised.value)


@pytest.mark.slow
def test_another_host_key_than_the_known_one_is_refused_at_once(ssh_server: SshServer, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    kind, key = (tmp_path / "other.pub").read_text().split()[:2]
    (tmp_path / "known").write_text(f"[127.0.0.1]:{ssh_server.port} {kind} {key}\n")
    config = (
        (ssh_server.folder / "config").read_text().replace(str(ssh_server.folder / "known"), str(tmp_path / "known"))
    )
    (tmp_path / "config").write_text(config)
    with pytest.raises(RemoteRefused, match="host key that isn't the one known"):
        Ssh("worker", tmp_path / "config").run("true")
    (tmp_path / "known").unlink()
    (tmp_path / "config").write_text(config.replace("accept-new", "yes"))
    with pytest.raises(RemoteRefused, match="host key"):
        Ssh("worker", tmp_path / "config").run("true")


@pytest.mark.slow
def test_a_shell_that_talks_at_every_login_is_told_before_it_stands_in_a_file(
    ssh_server: SshServer, tmp_path: Path
) -> None:
    authorized = ssh_server.folder / "authorized"
    key = authorized.read_text()
    authorized.write_text(f'command="echo Welcome to the cluster; eval \\"$SSH_ORIGINAL_COMMAND\\"" {key}')
    try:
        for use in (lambda: ssh_server.ssh().run("echo 1"), lambda: ssh_server.storage(tmp_path).read("a/b")):
            with pytest.raises(RemoteRefused, match=r"'Welcome to the cluster.*bashrc"):
                use()
    finally:
        authorized.write_text(key)
    assert ssh_server.ssh().run("echo 1") == b"1\n"


@pytest.mark.slow
def test_a_tunnel_ends_with_whoever_opened_it_however_that_ends(ssh_server: SshServer) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pipeline.remote.ssh import Ssh\n"
        f"with Ssh('worker', Path({str(ssh_server.folder / 'config')!r})).tunnel({ssh_server.port}) as url:\n"
        "    print(url, flush=True); time.sleep(600)\n"
    )
    opener = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert opener.stdout is not None
    port = opener.stdout.readline().decode().strip().rpartition(":")[2]
    (tunnel,) = running(f"-L 127.0.0.1:{port}:")
    opener.kill()
    opener.communicate()
    for _ in range(600):
        if tunnel not in running(f"-L 127.0.0.1:{port}:"):
            break
        import time

        time.sleep(0.1)
    assert not running(f"-L 127.0.0.1:{port}:")


def test_the_interpreter_may_lie_in_the_home_folder_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a b").mkdir()
    python = tmp_path / "a b" / "python"
    python.write_text("#!/bin/sh\necho a greeting\necho fixsmith 2.13.0 4\n")
    python.chmod(0o755)
    assert Machine("", "~/a b/python").check() == "this machine: torch 2.13.0, 4 GPUs"
    assert '"$HOME"/' in Machine("", "~/a b/python", place="/p").start_command(SUBMISSION, "c", 1)


@pytest.mark.parametrize(
    ("says", "wrong"), [("echo one two three four", "answers"), ("exit 3", "ended with 3"), ("", "''")]
)
def test_an_interpreter_that_isnt_the_workers_is_a_sentence(tmp_path: Path, says: str, wrong: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{says}\n")
    python.chmod(0o755)
    with pytest.raises(RemoteError, match=wrong):
        Machine("", str(python)).check()


def test_a_machine_where_nothing_can_be_written_says_so_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "code.zip").write_bytes(b"code")
    machine = Machine("", sys.executable, place=str(tmp_path / "machine"))
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "launches").write_text("a file stands where the folder should")
    sent = Submission(run="fs-one", number=1, storage="/none", code=str(tmp_path / "code.zip"))
    for launcher in (SshLauncher(machine, "/none", 1), SlurmLauncher(machine, "/none", 1, 0)):
        with pytest.raises(RemoteError, match="mkdir"):
            launcher.start(sent)


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what makes `squeue` say something, and the launcher that asks it about job 7."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{shutil.os.environ['PATH']}")
    place = tmp_path / "machine" / "launches" / SUBMISSION.name
    place.mkdir(parents=True)
    launcher = SlurmLauncher(Machine("", "python", place=str(tmp_path / "machine")), "/none", 1, 0)

    def say(text: str, job: str = "7"):
        (place / "job").write_text(job)
        (folder / "squeue").write_text(f"#!/bin/sh\ncat <<'EOT'\n{text}\nEOT\n")
        (folder / "squeue").chmod(0o755)
        return launcher.state(SUBMISSION)

    return say


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("RUNNING", "running"),
        ("PENDING", "waiting"),
        ("squeue: warning: the site's plugin is old\nRUNNING", "running"),
        ("PENDING\nRUNNING", "running"),
        ("OUT_OF_MEMORY", "ended"),
        ("slurm_load_jobs error: Invalid job id specified", "ended"),
        ("", "ended"),
    ],
)
def test_what_squeue_says_is_read(squeue, text: str, kind: str) -> None:
    assert squeue(text).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
        "slurm_load_jobs error: Socket timed out on send/recv operation",
        "squeue: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host",
    ],
)
def test_a_busy_slurm_is_asked_again_and_the_job_left_alone(squeue, text: str) -> None:
    with pytest.raises(Unreachable, match="squeue says"):
        squeue(text)


@pytest.mark.parametrize(("job", "known"), [("7;cluster", True), ("Welcome\n7\n", True), ("", False), ("seven", False)])
def test_a_jobs_number_is_read_whatever_stands_round_it(squeue, job: str, known: bool) -> None:
    assert (squeue("RUNNING", job).kind == "running") is known
