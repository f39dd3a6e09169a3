import json
import os
import pty
import select
import sys
from pathlib import Path

import pytest

from config.errors import UsageError
from config.load import load_settings
from daemon.cli import main
from daemon.commands.init import _name
from daemon.doctor import watching
from daemon.doctor.interface import Circumstances
from daemon.tokens import github_token
from tests.daemon.conftest import REPOSITORY
from tests.daemon.stand_in import TOKEN

ROOT = Path(__file__).parent.parent.parent


def test_init_adds_a_repository_of_another_github_with_its_own_token(github, tmp_path, monkeypatch, capsys):
    path, token = tmp_path / "settings.yaml", tmp_path / "token"
    first = {"name": "acme/first", "events": ["push"], "branch": "main"}
    path.write_text(json.dumps({"github": {"repositories": [first]}}))
    monkeypatch.setenv("GITHUB_TOKEN", "of the first")
    words = ["init", "--repository", REPOSITORY, "--base-url", github.base_url, "--config", str(path)]
    assert main(words) == 2
    assert not github.requests, "the first GitHub's token went to the second"
    token.write_text(TOKEN)
    token.chmod(0o600)
    assert main([*words, "--token-file", str(token)]) == 0
    found = load_settings(path, {}).github
    assert (found.base_url, found.token_file) == ("https://api.github.com", "")
    assert [(one.name, one.base_url, one.token_file) for one in found.repositories] == [
        ("acme/first", "", ""), (REPOSITORY, github.base_url, str(token))]  # fmt: skip
    assert main(["init", "--no-check", "--repository", "acme/first", "--branch", "next", "--config", str(path)]) == 0
    [changed] = [one for one in load_settings(path, {}).github.repositories if one.name == "acme/first"]
    assert (changed.branch, changed.events) == ("next", ("push",))


def test_init_checks_the_repository_and_writes_settings_that_load(github, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    github.run(REPOSITORY)
    path = tmp_path / "new" / "settings.yaml"
    words = ["init", "--repository", REPOSITORY, "--base-url", github.base_url, "--config", str(path)]
    assert main([*words, "--workspace", str(tmp_path / "w")]) == 0
    assert "1 workflow runs on main" in capsys.readouterr().out
    found = load_settings(path, {})
    assert found.github.repositories[0].id == github.repositories[REPOSITORY]["id"]
    assert found.fine_tuning.workspace_dir == str(tmp_path / "w")
    path.write_text(path.read_text() + "notifications: {results: true}\n")
    github.repository("acme/other")
    assert main([*words[:2], "acme/other", *words[3:]]) == 0
    again = load_settings(path, {})
    assert [one.name for one in again.github.repositories] == [REPOSITORY, "acme/other"]
    assert again.notifications.results
    assert path.with_name("settings.yaml.before").exists()


def test_init_with_a_wrong_token_or_repository_writes_nothing(github, tmp_path, monkeypatch, capsys):
    path = tmp_path / "settings.yaml"
    words = ["init", "--base-url", github.base_url, "--config", str(path), "--repository"]
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    assert main([*words, REPOSITORY]) == 1
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert main([*words, "acme/absent"]) == 1
    assert "Check the repository's name" in capsys.readouterr().err
    assert not path.exists()


def test_init_asks_on_a_terminal_and_tries_again_after_a_wrong_answer(github, tmp_path):
    """A person at a real terminal: a wrong repository first, then the right one, all else as offered."""
    github.run(REPOSITORY)
    path, token = tmp_path / "settings.yaml", tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    command = [
        sys.executable, "-m", "daemon.cli", "init", "--config", str(path), "--base-url", github.base_url,
        "--token-file", str(token),
    ]  # fmt: skip
    person = Person(command)
    person.answers("Repository", "not a name")
    person.answers("Repository", "acme/absent")
    person.answers("Repository", REPOSITORY)
    person.answers("Folder", str(tmp_path / "w"))
    person.answers("clone", "")
    assert person.leaves() == 0, person.seen
    assert "1 workflow runs on main" in person.seen
    found = load_settings(path, {})
    assert found.github.repositories[0].name == REPOSITORY
    assert (found.fine_tuning.workspace_dir, found.github.token_file) == (str(tmp_path / "w"), str(token))


class Person:
    """Somebody at a terminal of their own, who waits for a question before answering it."""

    def __init__(self, command):
        self.seen, self.at = "", 0
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execv(command[0], command)

    def answers(self, question, text):
        while question not in self.seen[self.at :] or not self.seen.rstrip().endswith(":"):
            assert self.read(), f"{question} wasn't asked: {self.seen}"
        self.at = len(self.seen)
        os.write(self.terminal, text.encode() + b"\n")

    def leaves(self):
        while self.read():
            pass
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def read(self):
        try:
            part = os.read(self.terminal, 4096) if select.select([self.terminal], [], [], 60)[0] else b""
        except OSError:
            part = b""
        self.seen += part.decode()
        return part


def test_init_asks_for_the_token_again_and_says_where_one_is_made(github, tmp_path):
    github.run(REPOSITORY)
    person = Person([sys.executable, "-m", "daemon.cli", "init", "--config", str(tmp_path / "settings.yaml"),
                     "--base-url", github.base_url])  # fmt: skip
    person.answers("Repository", REPOSITORY)
    person.answers("token", "wrong")
    person.answers("token", TOKEN)
    person.answers("Folder", "")
    os.write(person.terminal, b"\x04")
    assert person.leaves() == 130
    assert f"made at {github.base_url}/settings/personal-access-tokens" in person.seen
    assert "Traceback" not in person.seen and TOKEN not in person.seen
    assert not (tmp_path / "settings.yaml").exists()


def test_init_asks_once_for_a_token_that_github_takes(github, tmp_path):
    person = Person([sys.executable, "-m", "daemon.cli", "init", "--config", str(tmp_path / "settings.yaml"),
                     "--base-url", github.base_url])  # fmt: skip
    person.answers("Repository", "acme/absent")
    person.answers("token", TOKEN)
    person.answers("Repository", REPOSITORY)
    person.answers("Folder", str(tmp_path / "w"))
    person.answers("clone", "")
    assert person.leaves() == 0, person.seen
    found = load_settings(tmp_path / "settings.yaml", {}).github
    assert github_token(found, {}, lambda: None).reveal() == TOKEN


def test_init_of_a_repository_with_an_address_of_its_own_asks_there_again(github, tmp_path, monkeypatch, capsys):
    """Its address and token are those the settings hold for it, not those of the others."""
    path, token = tmp_path / "settings.yaml", tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    own = {"name": REPOSITORY, "base_url": github.base_url, "token_file": str(token), "branch": "main"}
    path.write_text(json.dumps({"github": {"repositories": [{"name": "acme/first"}, own]}}))
    assert main(["init", "--repository", REPOSITORY, "--config", str(path)]) == 0
    found = load_settings(path, {}).github
    assert (found.base_url, found.token_file) == ("https://api.github.com", "")
    assert found.repositories[1].base_url == github.base_url
    assert found.repositories[1].id == github.repositories[REPOSITORY]["id"]


def test_a_token_of_this_terminal_is_offered_to_be_kept_for_the_service(github, tmp_path, monkeypatch, capsys):
    """Else everything looks right until the background service has no token."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    path = tmp_path / "settings.yaml"
    words = ["init", "--config", str(path), "--base-url", github.base_url]
    person = Person([sys.executable, "-m", "daemon.cli", *words])
    person.answers("Repository", REPOSITORY)
    person.answers("Keep the token of $GITHUB_TOKEN", "")
    person.answers("Folder", str(tmp_path / "w"))
    person.answers("clone", "")
    assert person.leaves() == 0, person.seen
    found = load_settings(path, {}).github
    assert github_token(found, {}, lambda: None).reveal() == TOKEN
    path.unlink()
    assert main([*words, "--repository", REPOSITORY]) == 0
    assert "only in $GITHUB_TOKEN, which a background service doesn't have" in capsys.readouterr().out
    found = looked_at(path)
    assert found["token"].level == "warning" and "only in $GITHUB_TOKEN" in found["token"].detail


def looked_at(path):
    """Return what `doctor` finds of GitHub."""
    return {one.what: one for one in watching.github(Circumstances(load_settings(path, {}), path, network=True))}


WRONG = ("github: [a/b]", "fine_tuning: 5", "github: {repositories: a/b}", "gitub: {}", "- x", "{")


@pytest.mark.parametrize("text", WRONG)
def test_init_leaves_settings_that_are_wrong_to_the_person(tmp_path, capsys, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    assert main(["init", "--no-check", "--repository", "a/b", "--config", str(path)]) == 2
    assert str(path) in capsys.readouterr().err
    assert path.read_text() == text


@pytest.mark.parametrize("place", ["file/settings.yaml", "folder"])
def test_init_where_nothing_can_be_written_is_a_sentence(tmp_path, capsys, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    assert main(["init", "--no-check", "--repository", "a/b", "--config", str(tmp_path / place)]) in (1, 2)
    said = capsys.readouterr().err
    assert str(tmp_path / place.split("/")[0]) in said and len(said.splitlines()) == 2


def test_doctor_tells_that_a_repository_was_renamed(github, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    path = tmp_path / "settings.yaml"
    assert main(["init", "--repository", REPOSITORY, "--base-url", github.base_url, "--config", str(path)]) == 0
    github.rename(REPOSITORY, "acme/store")
    assert looked_at(path)[REPOSITORY].detail.startswith("is called acme/store now")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("acme/shop", "acme/shop"),
        ("https://github.com/acme/shop", "acme/shop"),
        ("https://github.com/acme/shop.git", "acme/shop"),
        ("https://GitHub.com/acme/shop.js/tree/main?tab=readme", "acme/shop.js"),
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@github.com/acme/shop", "acme/shop"),
        ("https://corp.example/acme/shop", "corp.example isn't the GitHub at github.com. Give --base-url https://corp"),
        ("acme", "isn't a repository"),
        ("", "Nothing isn't a repository"),
        ("https://github.com/acme", "isn't a repository"),
        ("acme/shop/extra", "isn't a repository"),
    ],
)
def test_a_repository_is_known_by_its_name_and_its_addresses(text, name):
    try:
        assert _name(text, "") == name
    except UsageError as error:
        assert name in str(error)


def test_a_folder_that_is_no_clone_or_cannot_be_made_is_asked_for_again(tmp_path):
    path = tmp_path / "settings.yaml"
    (tmp_path / "file").write_text("")
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    script = "import daemon.commands.init as init; init._repository = lambda *_: ('a/b', '', None); "
    script += f"from daemon.cli import main; main(['init', '--config', {str(path)!r}])"
    person = Person([sys.executable, "-c", script])
    person.answers("Folder", str(tmp_path / "file" / "w"))
    person.answers("Folder", str(tmp_path / "w"))
    person.answers("clone", str(tmp_path / "nowhere"))
    person.answers("clone", str(tmp_path / "clone"))
    assert person.leaves() == 0, person.seen
    assert "isn't a folder" in person.seen and "isn't a clone" in person.seen
    assert load_settings(path, {}).github.repositories[0].source == str(tmp_path / "clone")
