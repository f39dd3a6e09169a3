import plistlib
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from config import privacy
from config.load import build
from config.settings import Settings
from daemon import notify
from daemon.cli import main
from daemon.commands import doctor, run  # noqa: F401 -- before a test says that this is macOS
from daemon.identity import Instance
from launchagent import manager, start
from launchagent.interface import LABEL, ServiceError, Specification, specification
from launchagent.launchctl import Launchd
from launchagent.plist import agent_of, check, decode, encode
from launchagent.systemd import Systemd, unit


@dataclass
class Made:
    launchd: Launchd
    service: object


@pytest.fixture
def made(home, tmp_path):
    config = tmp_path / "settings.yaml"
    config.write_text("{}")
    return Made(Launchd(home, sleep=lambda _: None), specification(Settings(), config, tmp_path / "logs"))


def test_the_file_holds_what_launchd_needs_and_no_secret(made, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_0123456789")
    content = encode(agent_of(made.service))
    found = plistlib.loads(content)
    assert found["Label"] == LABEL
    assert found["ProgramArguments"][:4] == [sys.executable, "-m", "daemon.cli", "run"]
    assert "--stay-down" in found["ProgramArguments"]
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["Umask"] == 63
    assert found["ThrottleInterval"] == 30
    assert found["ExitTimeOut"] > Settings().daemon.stop_seconds
    assert found["ProcessType"] != "Background"
    assert "/usr/bin" in found["EnvironmentVariables"]["PATH"]
    assert b"ghp_" not in content
    assert decode(content) == agent_of(made.service)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ProgramArguments": ["python", "-m"]}, "absolute"),
        ({"StandardOutPath": "~/x"}, "absolute"),
        ({"EnvironmentVariables": {"GITHUB_TOKEN": "x"}}, "token"),
        ({"EnvironmentVariables": {"X": "ghp_abc"}}, "token"),
        ({"ExitTimeOut": 0}, "times"),
    ],
)
def test_what_launchd_would_take_and_fail_at_is_refused(made, change, message):
    with pytest.raises(ServiceError, match=message):
        check(msgspec.structs.replace(agent_of(made.service), **change))


@pytest.mark.parametrize("content", [b"", b"junk", b"<plist><dict></plist>", plistlib.dumps({"Label": 3})])
def test_a_file_that_is_not_ours_is_an_error(content):
    with pytest.raises(ServiceError):
        decode(content)


def test_installing_writes_once_and_loads(made, launchd_state):
    assert made.launchd.install(made.service)
    modified = made.launchd.path.stat().st_mtime_ns
    assert not made.launchd.install(made.service)
    assert made.launchd.path.stat().st_mtime_ns == modified
    assert launchd_state.verbs().count("bootstrap") == 1
    found = made.launchd.condition()
    assert (found.installed, found.loaded, found.pid, found.last_exit) == (True, True, 4242, 1)


def test_changed_settings_are_loaded_anew(made, launchd_state, tmp_path):
    made.launchd.install(made.service)
    other = msgspec.structs.replace(made.service, stop_seconds=999)
    assert made.launchd.install(other)
    assert decode(made.launchd.path.read_bytes()).ExitTimeOut == 999
    assert made.launchd.condition().loaded


def test_a_busy_launchd_is_asked_again(made, launchd_state):
    made.launchd.install(made.service)
    launchd_state.set("busy", 5)
    made.launchd.stop()
    assert not made.launchd.condition().loaded
    launchd_state.set("busy", 3)
    made.launchd.start()
    assert made.launchd.condition().loaded


def test_a_refusal_is_an_error_that_says_so(made, launchd_state):
    launchd_state.set("refuse", True)
    with pytest.raises(ServiceError, match="doesn't load"):
        made.launchd.install(made.service)


def test_starting_a_loaded_service_kicks_it(made, launchd_state):
    made.launchd.install(made.service)
    made.launchd.start()
    assert launchd_state.verbs()[-1] == "kickstart"


def test_uninstalling_removes_everything_and_can_be_repeated(made):
    made.launchd.install(made.service)
    assert made.launchd.uninstall()
    assert not made.launchd.path.exists()
    assert not made.launchd.condition().loaded
    assert not made.launchd.uninstall()


def test_what_is_not_installed_can_not_be_started(made):
    with pytest.raises(ServiceError, match="isn't installed"):
        made.launchd.start()


def test_stale_paths_are_noticed(made, tmp_path):
    made.launchd.install(made.service)
    (tmp_path / "settings.yaml").unlink()
    assert "no longer there" in made.launchd.condition().problems[0]


def test_without_launchctl_there_is_a_sentence(made, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ServiceError, match="no `launchctl`"):
        made.launchd.condition()


def test_protected_folders_are_warned_of_and_a_hanging_one_given_up(tmp_path, monkeypatch):
    home = tmp_path / "home"
    assert privacy.protected(home / "Documents" / "models", home)
    assert not privacy.protected(home / "fixsmith", home)
    assert privacy.protected(home / "documents" / "models", home), "its file system ignores case"
    (home / "Documents").mkdir(parents=True)
    (home / "work").symlink_to(home / "Documents")
    assert privacy.protected(home / "work" / "models", home), "a link leads there"
    monkeypatch.setenv("HOME", str(home))
    watched = {"name": "a/b", "source": "~/Desktop/clone", "token_file": "~/Downloads/token"}
    named = {"fine_tuning": {"workspace_dir": "~/x"}, "daemon": {"drop_folder": "~/Documents/drop"}}
    settings = build({**named, "github": {"repositories": [watched]}}, "here")
    found = {}
    for platform in ("linux", "darwin"):
        monkeypatch.setattr(privacy.sys, "platform", platform)
        found[platform] = [path.parent.name for path in privacy.endangered(settings, home / "Documents/settings.yaml")]
    assert found == {"linux": [], "darwin": ["Documents", "Desktop", "Downloads", "Documents"]}
    assert privacy.answers(tmp_path)
    assert not privacy.answers(tmp_path / "absent")
    slow = tmp_path / "ls"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    original = privacy.subprocess.Popen
    monkeypatch.setattr(privacy.subprocess, "Popen", lambda command, **how: original([str(slow)], **how))
    assert not privacy.answers(tmp_path, seconds=0.2)


def test_a_service_gives_up_on_a_protected_folder_that_does_not_answer(home, tmp_path, monkeypatch, capsys):
    """Under launchd it stays down and tells a person; it would hang for ever otherwise."""
    config = tmp_path / "settings.yaml"
    config.write_text(f"fine_tuning: {{workspace_dir: {home}/Documents/fixsmith}}\n")
    told = []
    monkeypatch.setattr(privacy.sys, "platform", "darwin")
    monkeypatch.setattr(privacy, "answers", lambda path, seconds: False)
    monkeypatch.setattr(notify, "display", lambda title, text: told.append(text))
    assert main(["run", "--config", str(config)]) == 1
    assert "doesn't answer" in capsys.readouterr().err
    assert main(["run", "--stay-down", "--config", str(config)]) == 0
    assert "Full Disk Access" in told[0] and "fixsmith start" in told[0]
    assert main(["doctor", "--offline", "--config", str(config)]) == 1
    assert "doesn't answer" in capsys.readouterr().out
    assert not (home / "Documents" / "fixsmith").exists()


def test_the_commands_do_it(home, tmp_path, monkeypatch, capsys, launchd_state):
    monkeypatch.setattr(manager.sys, "platform", "darwin")
    launchd_state.set("real", True)
    config = tmp_path / "settings.yaml"
    config.write_text(f"fine_tuning: {{workspace_dir: {home}/Documents/fixsmith}}\n")
    assert main(["install", "--config", str(config)]) == 0
    assert "privacy protection" in capsys.readouterr().err
    assert (home / "Library/LaunchAgents" / f"{LABEL}.plist").exists()
    for command in ("stop", "start", "uninstall"):
        assert main([command]) == 0
    assert main(["start"]) == 1
    config.write_text("{}")
    assert main(["install", "--config", str(config)]) == 2
    assert "relative" in capsys.readouterr().err


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_a_service_that_ends_at_once_is_no_success(home, tmp_path, monkeypatch, capsys, launchd_state, platform):
    """launchd and systemd both say that they started it; what it said before it ended is shown."""
    monkeypatch.setattr(manager.sys, "platform", platform)
    monkeypatch.setattr(start, "GONE_SECONDS", 0.3)
    launchd_state.set("real", True)
    config = tmp_path / "settings.yaml"
    good = f"fine_tuning: {{workspace_dir: {home}/fixsmith}}\n"
    config.write_text(good)
    assert main(["install", "--config", str(config)]) == 0
    assert main(["install", "--config", str(config)]) == 0
    assert main(["stop"]) == 0
    config.write_text(good + "deamon: {}\n")
    assert main(["start"]) == 2
    assert "did you mean 'daemon'" in capsys.readouterr().err
    config.write_text(good)
    other = Instance(home / "fixsmith/service/service.lock")
    other.acquire(1.0)
    for words in (["start"], ["install", "--config", str(config)]):
        assert main(words) == 1
        assert "The service has ended at once" in capsys.readouterr().err
    other.release()
    assert main(["start"]) == 0
    assert main(["uninstall"]) == 0


def test_the_agent_needs_no_network_at_import():
    assert Path(sys.modules["launchagent.plist"].__file__).exists()


def test_what_only_this_terminal_has_is_warned_of(home, tmp_path, monkeypatch, capsys, launchd_state):
    """The service has neither the terminal's token nor its overrides, and the command waits for the right workspace."""
    monkeypatch.setattr(manager.sys, "platform", "darwin")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    monkeypatch.setenv("FINE_TUNING_WORKSPACE_DIR", str(tmp_path / "elsewhere"))
    launchd_state.set("real", True)
    config = tmp_path / "settings.yaml"
    watched = "github: {base_url: 'http://127.0.0.1:9', repositories: [{name: a/b}]}"
    config.write_text(f"fine_tuning: {{workspace_dir: {home}/fixsmith}}\n{watched}\n")
    assert main(["install", "--config", str(config)]) == 0
    said = capsys.readouterr().err
    assert "FINE_TUNING_WORKSPACE_DIR: only in this terminal" in said
    assert "the token is only in $GITHUB_TOKEN" in said and "ghp_secret" not in said
    assert main(["uninstall"]) == 0


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\x01.yaml", "\udcff.yaml"])
@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_a_path_that_no_definition_can_hold_is_refused(home, tmp_path, monkeypatch, capsys, platform, name):
    monkeypatch.setattr(manager.sys, "platform", platform)
    (tmp_path / name).write_text(f"fine_tuning: {{workspace_dir: {home}/fixsmith}}\n")
    assert main(["install", "--config", str(tmp_path / name)]) == 1
    assert "can't stand in the service's definition" in capsys.readouterr().err
    assert not list(home.rglob("*fixsmith.service*"))


@pytest.mark.parametrize("name", ["with space & <angle> \"quote\" 'tick'.yaml", "ü 日本.yaml", "100%s $HOME.yaml"])
def test_a_path_with_anything_else_comes_back_as_it_was(home, tmp_path, name):
    arguments = ("/usr/bin/python3", "-m", "daemon.cli", "run", "--config", str(tmp_path / name))
    made = Specification(arguments, tmp_path / "a & b", tmp_path / "logs <1>", 60)
    agent = decode(encode(agent_of(made)))
    assert tuple(agent.ProgramArguments[:-1]) == arguments
    assert agent.WorkingDirectory == str(tmp_path / "a & b")
    service = Systemd(home)
    service.path.parent.mkdir(parents=True)
    service.path.write_text(unit(made))
    assert service.installed().arguments == arguments
