"""What commands are told alike means the same to each of them."""

from __future__ import annotations

import pytest

from config.errors import UsageError
from daemon.arguments import run_of
from daemon.cli import main


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose personal settings name a workspace with one run in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.delenv("FIXSMITH_CONFIG", raising=False)
    settings = tmp_path / ".config" / "fixsmith" / "settings.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"fine_tuning:\n  workspace_dir: {tmp_path / 'mine'}\n")
    run = tmp_path / "mine" / "runs" / "abc1"
    (run / "parse").mkdir(parents=True)
    (tmp_path / "mine" / "latest").symlink_to(run)
    return tmp_path


@pytest.mark.parametrize("command", [["findings"], ["explain", "f1"], ["report"], ["publish", "--review"]])
def test_every_command_takes_the_workspace_of_the_personal_settings(home, command, capsys) -> None:
    code = main(command)
    said = capsys.readouterr().err
    assert code in (1, 2)
    assert "abc1" in said or str(home / "mine") in said


def test_a_run_is_named_by_the_start_of_its_id(home) -> None:
    workspace = home / "mine"
    assert run_of(workspace, "ab") == run_of(workspace, None) == workspace / "runs" / "abc1"
    (workspace / "runs" / "abd2").mkdir()
    for wrong in ("ab", "zz", "../abc1"):
        with pytest.raises(UsageError):
            run_of(workspace, wrong)
