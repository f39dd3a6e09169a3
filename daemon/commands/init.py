"""`fixsmith init`: a few questions, checked at once, and the settings file is written."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from config.errors import UsageError
from config.load import build, read_file
from config.location import HELP, personal_file, settings_file
from config.settings import Github
from daemon.errors import TokenRefused
from daemon.github.check import Access, access
from daemon.secret import Secret
from daemon.tokens import github_token, to_keychain
from pipeline.stage import write_atomically

DESCRIPTION = """\
Ask which repository to watch, check the token and the repository, and write the settings file.
An existing file keeps its other settings; a copy of it is left beside it. With --repository it
asks nothing."""
HEADER = (
    "# fixsmith settings, written by `fixsmith init`. Every key: config/olmo-security-config.yaml, docs/settings.md\n"
)
WORKSPACE = "~/fixsmith"


class Answers(msgspec.Struct, frozen=True):
    """What was asked for."""

    repository: str
    branch: str
    workspace: str
    source: str
    token_file: str
    base_url: str


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("init", description=DESCRIPTION, help="answer a few questions, write the settings")
    parser.add_argument("--config", metavar="FILE", help=HELP)
    parser.add_argument("--repository", metavar="OWNER/NAME", help="the repository to watch")
    parser.add_argument("--branch", metavar="NAME", help="its branch (default: its default branch)")
    parser.add_argument("--workspace", metavar="DIR", help=f"folder for data and models (default: {WORKSPACE})")
    parser.add_argument("--source", metavar="DIR", help="a clone of the repository on this machine")
    parser.add_argument("--token-file", metavar="FILE", help="file that holds the GitHub token, mode 600")
    parser.add_argument("--base-url", metavar="URL", help="GitHub Enterprise Server: https://HOST/api/v3")
    parser.add_argument("--no-check", action="store_true", help="write without asking GitHub")


def run(arguments: argparse.Namespace) -> int:
    """Ask, check, write."""
    path = settings_file(arguments.config) or personal_file()
    values = read_file(path) if path.exists() else {}
    answers = _answers(arguments, values)
    found = None if arguments.no_check else _check(answers, asking=arguments.repository is None)
    if found is not None:
        sys.stdout.write(f"{answers.repository}: repository {found.id}, {found.runs} workflow runs on {found.branch}\n")
    _write(path, merged(values, answers, found))
    sys.stdout.write(f"Wrote {path}.\nNext: fixsmith doctor, then fixsmith install.\n")
    return 0


def merged(values: dict[str, Any], answers: Answers, found: Access | None) -> dict[str, Any]:
    """Return the settings with the answers in them; a repository already there is replaced."""
    github = dict(values.get("github") or {})
    entry: dict[str, Any] = {"name": answers.repository}
    if found is not None:
        entry["id"] = found.id
    entry["branch"] = answers.branch or (found.branch if found else "main")
    if answers.source:
        entry["source"] = answers.source
    others = [one for one in github.get("repositories") or [] if one.get("name") != answers.repository]
    github["repositories"] = [*others, entry]
    optional = {"token_file": answers.token_file, "base_url": answers.base_url}
    github.update({key: value for key, value in optional.items() if value})
    training = {**(values.get("fine_tuning") or {}), "workspace_dir": answers.workspace}
    return {**values, "fine_tuning": training, "github": github}


def _answers(arguments: argparse.Namespace, values: dict[str, Any]) -> Answers:
    workspace = (values.get("fine_tuning") or {}).get("workspace_dir", WORKSPACE)
    asking = arguments.repository is None
    if asking and not sys.stdin.isatty():
        raise UsageError("There is nobody to ask.", "Give --repository OWNER/NAME.")
    repository = arguments.repository or _ask("Repository (owner/name)", "")
    folder = arguments.workspace or (_ask("Folder for data and models", workspace) if asking else workspace)
    source = arguments.source or (_ask("A clone of it on this machine (empty: none)", "") if asking else "")
    return Answers(
        repository=repository.strip(),
        branch=arguments.branch or "",
        workspace=str(Path(folder).expanduser().absolute()),
        source=str(Path(source).expanduser().absolute()) if source else "",
        token_file=arguments.token_file or "",
        base_url=arguments.base_url or (values.get("github") or {}).get("base_url", ""),
    )


def _check(answers: Answers, *, asking: bool) -> Access:
    """Find the token, asking for one if there is a person, and look at the repository with it."""
    optional = {"token_file": answers.token_file, "base_url": answers.base_url}
    settings = build({"github": {key: value for key, value in optional.items() if value}}, "the answers").github
    token = _token(settings, asking=asking)
    return access(settings, token, answers.repository, answers.branch)


def _token(settings: Github, *, asking: bool) -> Secret:
    try:
        return github_token(settings)
    except TokenRefused:
        if not asking:
            raise
    token = Secret(getpass.getpass("GitHub token (fine-grained, read access to Actions and contents): ").strip())
    if not to_keychain(token):
        sys.stderr.write("There is no keychain to keep it in: put it into a file with mode 600 and name that.\n")
        raise UsageError("The token can't be kept.", "Give --token-file FILE.")
    return token


def _ask(question: str, otherwise: str) -> str:
    given = input(f"{question}{f' [{otherwise}]' if otherwise else ''}: ").strip()
    return given or otherwise


def _write(path: Path, values: dict[str, Any]) -> None:
    build(values, str(path))
    text = HEADER + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        write_atomically(path.with_name(path.name + ".before"), path.read_bytes())
    write_atomically(path, text.encode())
