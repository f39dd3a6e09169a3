"""What both stand-ins for a service manager do with a service: start it for good, look whether it lives, end it."""

import os
import signal
import subprocess
import time
from pathlib import Path


def start(command, log, folder, environment):
    """Start a service as the system does: in its folder, with nothing of the terminal's environment."""
    kept = {name: os.environ[name] for name in ("HOME", "PYTHONPATH") if name in os.environ}
    with Path(log).open("ab") as output:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        environment = {**kept, **environment}
        return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **quiet).pid


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def end(pid):
    if lives(pid):
        os.kill(pid, signal.SIGTERM)
    while lives(pid):
        time.sleep(0.02)
