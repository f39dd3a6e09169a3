"""A watched repository's own clone, brought up to a commit: `python -m daemon.mirror FOLDER ADDRESS COMMIT`.

git works in a short-lived process, so that its memory and its waits stay out of the service. The
token reaches it in the environment, through a script that git asks; the user's own git settings
and credential helpers are left out, so that the token is kept nowhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from config.errors import Error
from config.secret import Secret
from config.settings import Github, Watched
from daemon import leash
from daemon.errors import GithubError, SourceRefused
from pipeline.stage import write_atomically

SECONDS = 1800.0
REFUSALS = (
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
    "not found",
    "Permission denied",
    "Could not read from remote repository",
    "does not appear to be a git repository",
    "git isn't installed",
)
"""What git says when another attempt brings nothing."""
CLOUDS = ("api.github.com", ".ghe.com")
VARIABLE = "FIXSMITH_GIT_TOKEN"
ASK = f"""\
#!/bin/sh
case "$1" in
Username*) echo x-access-token ;;
*) printenv {VARIABLE} ;;
esac
"""
SETTINGS = """\
[credential]
\thelper =
[core]
\taskPass = "{ask}"
"""


class Mirrors:
    """The clones of the watched repositories, a bare one each."""

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.folder = folder
        self.seconds = seconds

    def path(self, number: int, name: str) -> Path:
        """Return where a repository's clone lies."""
        return self.folder / f"{number}-{name.replace('/', '-')}.git"

    def bring(self, watched: Watched, number: int, commit: str, github: Github, token: Secret) -> None:
        """Have the clone hold a commit with all its files; raises SourceRefused, or GithubError where it may pass."""
        target = self.path(number, watched.name)
        command = [sys.executable, "-m", "daemon.mirror", str(target), address(watched, github), commit]
        environment = dict(os.environ) if watched.clone_url else self._environment(token)
        try:
            code, errors = _run(command, environment, self.seconds)
        except subprocess.TimeoutExpired as error:
            raise GithubError(f"Cloning {watched.name} took too long.", "It is tried again.") from error
        if code:
            told = (errors.strip().splitlines() or ["git failed"])[-1].strip()
            what = f"The clone of {watched.name} can't be brought up to date: {told}"
            if any(sign in told for sign in REFUSALS):
                raise SourceRefused(what, "Let the token read its contents, name a `source`, or set `mirror` to false.")
            raise GithubError(what, "It is tried again.")

    def drop_all_but(self, kept: set[str]) -> None:
        """Remove the clones of repositories that aren't watched any more."""
        for entry in self.folder.glob("*.git"):
            if entry.name not in kept:
                shutil.rmtree(entry, ignore_errors=True)

    def _environment(self, token: Secret) -> dict[str, str]:
        """Return git's environment: a home of our own, and the token for the script that git asks."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        ask = home / "ask"
        write_atomically(ask, ASK.encode())
        ask.chmod(0o700)
        write_atomically(home / ".gitconfig", SETTINGS.format(ask=ask).encode())
        kept = {name: value for name, value in os.environ.items() if name not in ("XDG_CONFIG_HOME", "SSH_ASKPASS")}
        return {**kept, "HOME": str(home), VARIABLE: token.reveal()}


def address(watched: Watched, github: Github) -> str:
    """Return where a repository is cloned from: by its settings, else beside the API."""
    if watched.clone_url:
        return watched.clone_url
    return f"{site(github)}/{watched.name}.git"


def site(github: Github) -> str:
    """Return the address of GitHub's pages, which lie beside its API."""
    parts = urlsplit(github.base_url)
    host = parts.netloc.removeprefix("api.") if parts.netloc.endswith(CLOUDS) else parts.netloc
    return f"{parts.scheme}://{host}"


def _run(command: list[str], environment: dict[str, str], seconds: float) -> tuple[int, str]:
    """Return exit code and stderr; all that was started ends with the time, and with this process (see `leash`)."""
    given, kept = os.pipe()
    try:
        process = subprocess.Popen(
            command, env=environment, stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return process.returncode, errors
    finally:
        os.close(given)
        os.close(kept)


def _unlock(folder: Path) -> None:
    """Remove the locks of a git that was killed: nobody else writes here."""
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")):
        lock.unlink(missing_ok=True)


def main(arguments: list[str]) -> int:
    """Clone or fetch, then fetch the contents of a commit's files; say what went wrong on stderr."""
    from pipeline.source.mirror import Mirror

    leash.watch(sys.stdin.fileno(), lambda: os.killpg(0, signal.SIGKILL))
    folder, origin, commit = arguments
    _unlock(Path(folder))
    mirror = Mirror(Path(folder), origin)
    try:
        mirror.update()
        with mirror.tree(commit) as tree:
            tree.prefetch(tree.files())
    except Error as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
