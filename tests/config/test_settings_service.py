"""The settings of the service: each is read somewhere, each can come from the environment, wrong ones are named."""

import ast
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import msgspec
import pytest

from config.errors import SettingsError
from config.load import load_settings
from config.location import personal_file, settings_file
from config.reload import LiveSettings
from config.sample import sample
from config.settings import Conditions, Daemon, Github, Notifications, Settings, Watched
from config.table import table

ROOT = Path(__file__).parent.parent.parent
OURS = {"github": Github, "daemon": Daemon, "conditions": Conditions, "notifications": Notifications}


def attributes_read():
    """Return every attribute name that the code of the packages reads, settings' own file apart."""
    found = set()
    for package in ("daemon", "launchagent", "pipeline"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    found.add(node.attr)
    return found


@pytest.mark.parametrize("section", [*OURS.values(), Watched], ids=lambda section: section.__name__)
def test_every_setting_is_read_somewhere(section):
    read = attributes_read()
    assert [key.name for key in msgspec.structs.fields(section) if key.name not in read] == []


def others(key):
    """Yield texts that may be another value than the default."""
    kind, known = key.type, key.default
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        yield from get_args(kind)
    elif get_origin(kind) is tuple:
        yield from ("", "push", "success", "sast", "mlflow", "x", "x=y", "--x=y", "a/b", '[{"name": "a/b"}]')
    elif kind is bool:
        yield str(not known).lower()
    elif kind is str:
        yield from ("x", "a/b", "https://a.example/x", "http://127.0.0.1:1/v1", "2026-01-01", "01:00-02:00", "[a] {b}")
    else:
        yield from (str(known + 1), str(known - 1), str(known / 2), str(known * 2), "1", "0.5")


@pytest.mark.parametrize("section", msgspec.structs.fields(Settings), ids=lambda section: section.name)
def test_every_setting_can_come_from_the_environment(section):
    for key in msgspec.structs.fields(section.type):
        for prefix in ("FIXSMITH_", ""):
            found = {changed(section.name, key.name, f"{prefix}{section.name}_{key.name}".upper(), text)
                     for text in others(key)}  # fmt: skip
            assert found - {None, key.default}, f"{prefix}{section.name}.{key.name}"


def changed(section, key, variable, text):
    try:
        return getattr(getattr(load_settings(None, {variable: text}), section), key)
    except SettingsError as error:
        assert variable in error.message, "the message names the variable, not a file"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"FIXSMITH_DAEMON_ATEMPTS": "3"}, "FIXSMITH_DAEMON_ATEMPTS names no setting; did you mean 'DAEMON_ATTEMPTS'"),
        ({"FIXSMITH_FINETUNING_RANK": "3"}, "did you mean 'FINE_TUNING_RANK'"),
        ({"FIXSMITH_DAEMON_ATTEMPTS": "many"}, "In FIXSMITH_DAEMON_ATTEMPTS: Expected `int`"),
        ({"FIXSMITH_GITHUB_REPOSITORIES": "[{name: a/b}, {name: A/b}]"}, "a/b is there already"),
    ],
)
def test_a_wrong_variable_is_named(environment, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_settings(None, environment)


def test_variables_that_are_no_settings_are_left_alone():
    ours = {"FIXSMITH_TEACHER_TOKEN": "x", "FIXSMITH_CONFIG": "x", "FIXSMITH_CACHE": "x", "FIXSMITH_RUN_TOKEN": "x"}
    assert load_settings(None, {**ours, "GITHUB_TOKEN": "x", "DAEMON_OF_MINE": "x"}) == Settings()


def test_a_text_that_looks_like_a_list_stays_a_text():
    found = load_settings(None, {"FIXSMITH_DAEMON_DROP_FOLDER": "[old] drops", "VERIFICATION_PROGRAMS": "a=/x, b=/y"})
    assert found.daemon.drop_folder == "[old] drops"
    assert found.verification.programs == ("a=/x", "b=/y")


def test_repositories_can_come_from_the_environment():
    found = load_settings(None, {"FIXSMITH_GITHUB_REPOSITORIES": '[{"name": "a/b", "branch": "trunk"}]'})
    assert found.github.repositories == (Watched(name="a/b", branch="trunk"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("github: {pol_seconds: 3}", "'github.pol_seconds'; did you mean 'poll_seconds'"),
        ("gitub: {}", "'gitub'; did you mean 'github'"),
        ("github: {repositories: [{name: a/b, brnch: x}]}", r"github.repositories\[0\].brnch'; did you mean 'branch'"),
        ("github: {repositories: [{name: nonsense}]}", r"github.repositories\[...\].name|repositories"),
        ("github: {repositories: [{name: a/b, events: [pull_request]}]}", "pull_request"),
        ("github: {base_url: 'http://github.example/api'}", "github.base_url"),
        ("github: {base_url: 'https://user@host/api'}", "github.base_url"),
        ("conditions: {quiet_hours: '25:00-06:00'}", "conditions.quiet_hours"),
        ("conditions: {battery_pause: 101}", "conditions.battery_pause"),
        ("daemon: {attempts: 0}", "daemon.attempts"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, message):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings(path, {})


def test_loopback_addresses_may_be_plain_http(tmp_path):
    path = tmp_path / "settings.yaml"
    for address in ("http://127.0.0.1:8080", "http://localhost/api/v3", "http://[::1]:1", "https://ghe.example/api/v3"):
        path.write_text(f"github: {{base_url: '{address}'}}")
        assert load_settings(path, {}).github.base_url == address


def test_a_change_is_followed_and_a_wrong_one_kept_out(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("github: {poll_seconds: 20}")
    live = LiveSettings(path)
    assert live.current().github.poll_seconds == 20
    path.write_text("github: {poll_seconds: 300}")
    assert live.current().github.poll_seconds == 300
    for wrong in ("github: {poll_seconds: never}", "github: [", ""):
        path.write_text(wrong)
        assert live.current().github.poll_seconds == 300
        assert live.problem is not None
    path.write_text("{}")
    assert (live.current(), live.problem) == (Settings(), None)
    path.unlink()
    assert live.current() == Settings()
    assert live.problem is not None


def test_a_thread_that_asks_while_another_reads_gets_what_that_finds(tmp_path, monkeypatch):
    """It would go back to sleep with the settings before, and nobody would wake it: the change was heard of once."""
    path = tmp_path / "settings.yaml"
    path.write_text("github: {poll_seconds: 20}")
    live = LiveSettings(path)
    reading, may_end = threading.Event(), threading.Event()

    def slow(path):
        reading.set()
        assert may_end.wait(60)
        return load_settings(path)

    monkeypatch.setattr("config.reload.load_settings", slow)
    path.write_text("github: {poll_seconds: 300}")
    os.utime(path, (0, 0))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(live.current)
        assert reading.wait(60)
        second = pool.submit(live.current)
        wait([second], timeout=0.2)
        may_end.set()
        assert {one.result(60).github.poll_seconds for one in (first, second)} == {300}


def test_a_file_that_is_half_written_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "settings.yaml"
    path.write_text("github: {poll_seconds: 20}")
    live = LiveSettings(path)
    monkeypatch.setattr("config.reload.time.sleep", lambda _: path.write_text("github: {poll_seconds: 300}"))
    for half in ("", "github: {poll_sec"):
        path.write_text(half)
        assert live.current().github.poll_seconds == 300
        assert live.problem is None


def test_a_second_change_within_the_files_systems_time_step_is_seen(tmp_path, monkeypatch):
    """Same length, and on FAT the same even second."""

    def coarse(path):
        found = path.stat()
        return (found.st_ino, found.st_size, int(found.st_mtime) * 10**9, 0)

    path = tmp_path / "settings.yaml"
    path.write_text("github: {poll_seconds: 200}")
    monkeypatch.setattr("config.reload._stamp", coarse)
    live = LiveSettings(path)
    for seconds in (300, 400):
        path.write_text(f"github: {{poll_seconds: {seconds}}}")
        os.utime(path, (time.time(), int(time.time())))
        assert live.current().github.poll_seconds == seconds


def test_an_unchanged_file_is_not_read_again(tmp_path, monkeypatch):
    path = tmp_path / "settings.yaml"
    path.write_text("{}")
    os.utime(path, (0, 0))
    live = LiveSettings(path)
    monkeypatch.setattr("config.reload.load_settings", lambda _: pytest.fail("it was read again"))
    live.current()


def test_the_sample_is_what_the_types_say_and_loads_as_the_defaults(tmp_path):
    shipped = ROOT / "config" / "olmo-security-config.yaml"
    assert shipped.read_text(encoding="utf-8") == sample(), "run `make sample`"
    assert load_settings(shipped, {}) == Settings()


def test_the_documentation_names_every_key():
    page = table()
    for section in msgspec.structs.fields(Settings):
        for key in msgspec.structs.fields(section.type):
            assert f"`{key.name}`<br>`FIXSMITH_{section.name.upper()}_{key.name.upper()}`" in page
    written = ROOT / "docs" / "settings.md"
    if written.exists():
        assert written.read_text(encoding="utf-8") == page, "run `make sample`"


def test_the_settings_file_is_the_one_named_then_the_environments_then_the_personal_one(tmp_path):
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert settings_file(None, environment) is None
    personal = personal_file(environment)
    personal.parent.mkdir(parents=True)
    personal.write_text("{}")
    assert settings_file(None, environment) == personal
    assert settings_file(None, {**environment, "FIXSMITH_CONFIG": "/a"}) == Path("/a")
    assert settings_file("/b", {**environment, "FIXSMITH_CONFIG": "/a"}) == Path("/b")
