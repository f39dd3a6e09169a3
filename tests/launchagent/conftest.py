import json
import os
import sys
from pathlib import Path

import pytest

FAKES = Path(__file__).parent


def fake(folder, name, script):
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    path.chmod(0o755)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own, with `launchctl` and `systemctl` that are ours in front of the system's."""
    home, tools, state = tmp_path / "home", tmp_path / "bin", tmp_path / "state"
    for folder in (home, tools, state):
        folder.mkdir()
    fake(tools, "launchctl", FAKES / "fake_launchctl.py")
    fake(tools, "systemctl", FAKES / "fake_systemctl.py")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_LAUNCHD", str(state))
    monkeypatch.delenv("FIXSMITH_CONFIG", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


@pytest.fixture
def launchd_state(home, tmp_path):
    class State:
        def set(self, name, value):
            (tmp_path / "state" / name).write_text(json.dumps(value))

        def verbs(self):
            path = tmp_path / "state" / "calls"
            return [words[0] for words in json.loads(path.read_text())] if path.exists() else []

    return State()
