"""Settings files as people write them by mistake."""

import pytest

from config.errors import SettingsError
from config.load import load_settings
from config.settings import Settings

BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


def written(tmp_path, content):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("daemon:\n  attempts: 3\n  attempts: 4\n", "'attempts' is there already (line 3, column 3)"),
        ("daemon: {attempts: 3}\ngithub: {}\ndaemon: {}\n", "'daemon' is there already (line 3, column 1)"),
        ("github:\n  repositories:\n    - {name: a/b, branch: x, branch: y}\n", "'branch' is there already (line 3"),
        ("github:\n\tpoll_seconds: 3\n", "(line 2, column 1)"),
        ("a: 1\n---\nb: 2\n", "(line 2, column 1)"),
        ("{[a]: 1}", "unhashable key"),
        ("daemon: {stop_seconds: .inf}", "at 'daemon.stop_seconds': inf is too large"),
        ("daemon: {retry_seconds: .nan}", "daemon.retry_seconds"),
        ("conditions: {check_seconds: 1e300}", "at 'conditions.check_seconds': 1e+300 is too large"),
        ("daemon: {keep_runs: 99999999999999999999}", "daemon.keep_runs"),
        ("github: {repositories: [{name: a/b, branch: 1.10}]}", "Put it in quotes."),
        ("github: {repositories: [{name: a/b, artifacts: sarif-*}]}", "Write a list"),
        ("github: a/b", "at 'github'"),
        ("daemon:\n  attempts: 2026-02-30\n", "(day is out of range for month) (line 2, column 13)"),
        ("daemon: {attempts: !!int x}", "a value can't be read"),
        (f"daemon: {{attempts: {'9' * 5000}}}", "a value can't be read"),
        ("github: {repositories: [a/b]}", "Expected `object`, got `str`. Write keys with"),
        ("- github", "not a list"),
        ("daemon:\n", "section 'daemon' is empty"),
        ("1: {}", "unknown section '1'"),
        (b"\xff\xfed\x00a\x00", "isn't valid YAML"),
        ("[" * 100_000, "isn't valid YAML"),
        ("&a {github: *a}", "unknown key 'github.github'"),
        (BOMB, "unknown section 'a0'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_its_place(tmp_path, content, message):
    with pytest.raises(SettingsError) as refused:
        load_settings(written(tmp_path, content), {})
    assert message in str(refused.value), refused.value
    assert len(str(refused.value)) < 500 and "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "# nothing\n", "\ufeff", "---\n"])
def test_an_empty_file_is_the_defaults(tmp_path, content):
    assert load_settings(written(tmp_path, content), {}) == Settings()


def test_a_byte_order_mark_an_anchor_and_a_merge_are_no_mistake(tmp_path):
    text = "\ufeffgithub:\n  repositories:\n    - &one {name: a/b, branch: trunk}\n    - {<<: *one, name: a/c}\n"
    found = load_settings(written(tmp_path, text), {}).github.repositories
    assert [(one.name, one.branch) for one in found] == [("a/b", "trunk"), ("a/c", "trunk")]


def test_a_number_without_end_is_named_by_its_variable():
    with pytest.raises(SettingsError, match="In FIXSMITH_DAEMON_STOP_SECONDS: inf is too large"):
        load_settings(None, {"FIXSMITH_DAEMON_STOP_SECONDS": "inf"})
