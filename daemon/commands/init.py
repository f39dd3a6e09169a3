"""`fixsmith init`: a few questions, checked at once, and the settings file is written."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from config.errors import Error, UsageError
from config.keychain import to_keychain
from config.load import build, read_file
from config.location import HELP, personal_file, settings_file
from config.secret import Secret
from config.settings import Github
from daemon.command import is_clone
from daemon.errors import TokenRefused
from daemon.github.check import Access, access
from daemon.layout import obstacle
from daemon.mirror import site
from daemon.tokens import github_token, only_here
from pipeline.stage import write_atomically

DESCRIPTION = """\
Ask which repository to watch, check the token and the repository, and write the settings file.
An existing file keeps its other settings; a copy of it is left beside it. With --repository it
asks nothing."""
HEADER = (
    "# fixsmith settings, written by `fixsmith init`. Every key: config/olmo-security-config.yaml, docs/settings.md\n"
)
NAME = r"[\w.-]+/[\w.-]+"
ADDRESS = rf"(?:https?://(?:[^/@]+@)?|(?:ssh://)?git@)([^/:]+)(?::\d+)?[/:]({NAME}?)(?:\.git)?(?:/.*)?"
WORKSPACE = "~/fixsmith"
TOKENS = "/settings/personal-access-tokens"


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
    build(values, str(path))
    if arguments.repository is None and not sys.stdin.isatty():
        raise UsageError("There is nobody to ask.", "Give --repository OWNER/NAME.")
    repository, token_file, found = _repository(arguments, values, path.with_name("github-token"))
    if found is not None:
        sys.stdout.write(f"{repository}: repository {found.id}, {found.runs} workflow runs on {found.branch}\n")
    answers = _answers(arguments, values, repository, token_file)
    _write(path, merged(values, answers, found))
    sys.stdout.write(f"Wrote {path}.\nNext: fixsmith doctor, then fixsmith install.\n")
    return 0


def merged(values: dict[str, Any], answers: Answers, found: Access | None) -> dict[str, Any]:
    """Return the settings with the answers in them; a repository already there keeps its other keys.

    At another GitHub than the others' its address and token stay with it.
    """
    github = dict(values.get("github") or {})
    known = github.get("repositories") or []
    others = [one for one in known if one.get("name") != answers.repository]
    entry: dict[str, Any] = next((dict(one) for one in known if one not in others), {"name": answers.repository})
    if found is not None:
        entry["id"] = found.id
    entry["branch"] = answers.branch or (found.branch if found else "main")
    if answers.source:
        entry["source"] = answers.source
    github["repositories"] = [*others, entry]
    optional = {"token_file": answers.token_file, "base_url": answers.base_url}
    apart = others and answers.base_url != github.get("base_url", "")
    place = entry if apart or entry.get("base_url") or entry.get("token_file") else github
    place.update({key: value for key, value in optional.items() if value})
    training = {**(values.get("fine_tuning") or {}), "workspace_dir": answers.workspace}
    return {**values, "fine_tuning": training, "github": github}


def _repository(
    arguments: argparse.Namespace, values: dict[str, Any], keep: Path
) -> tuple[str, str, Access | None]:  # fmt: skip
    """Return the repository, the token's file and what GitHub says; a person may correct an answer that is refused."""
    asking = arguments.repository is None
    given: dict[str, Secret] = {}
    while True:
        given_name = _ask("Repository (owner/name)", "") if asking else arguments.repository.strip()
        try:
            name = _name(given_name, arguments.base_url or (values.get("github") or {}).get("base_url", ""))
            if arguments.no_check:
                return name, arguments.token_file or "", None
            return name, *_check(arguments, values, name, keep, given)
        except Error as error:
            if not asking:
                raise
            sys.stderr.write(f"{error}\n")


def _answers(arguments: argparse.Namespace, values: dict[str, Any], repository: str, token_file: str) -> Answers:
    workspace = (values.get("fine_tuning") or {}).get("workspace_dir", WORKSPACE)
    asking = arguments.repository is None
    return Answers(
        repository=repository,
        branch=arguments.branch or "",
        workspace=_asked("Folder for data and models", workspace, arguments.workspace, _folder, asking=asking),
        source=_asked("A clone of it on this machine (empty: keep one)", "", arguments.source, _clone, asking=asking),
        token_file=token_file,
        base_url=_base_url(arguments, values, repository),
    )


def _name(text: str, base_url: str) -> str:
    """Return `owner/name` from that, or from the address of a page or clone; raises UsageError for anything else."""
    if re.fullmatch(NAME, text):
        return text
    found = re.fullmatch(ADDRESS, text)
    if found is None:
        raise UsageError(f"{text or 'Nothing'} isn't a repository.", "Give owner/name, as in its address.")
    host, name = found.groups()
    there = urlsplit(site(Github(base_url=base_url) if base_url else Github())).hostname
    if host.lower() != there:
        raise UsageError(f"{host} isn't the GitHub at {there}.", f"Give --base-url https://{host}/api/v3.")
    return str(name)


def _asked(question: str, otherwise: str, given: str | None, check: Callable[[str], str], *, asking: bool) -> str:
    """Return a checked answer: the one given, else a person's, who may correct it, else the other one."""
    while asking and not given:
        try:
            return check(_ask(question, otherwise))
        except Error as error:
            sys.stderr.write(f"{error}\n")
    return check(given or otherwise)


def _folder(text: str) -> str:
    path = Path(text).expanduser().absolute()
    if (found := obstacle(path)) is not None:
        raise UsageError(found, "Name another folder.")
    return str(path)


def _clone(text: str) -> str:
    path = Path(text).expanduser().absolute()
    if text and not is_clone(path):
        raise UsageError(f"{path} isn't a clone of a repository.", "Name its folder, or nothing.")
    return str(path) if text else ""


def _base_url(arguments: argparse.Namespace, values: dict[str, Any], repository: str) -> str:
    return str(arguments.base_url or _known(values, repository, "base_url"))


def _known(values: dict[str, Any], repository: str, key: str) -> str:
    """Return what the settings say of a repository: its own key if it has that, else the key of all."""
    github = values.get("github") or {}
    own: dict[str, Any] = next((one for one in github.get("repositories") or () if one.get("name") == repository), {})
    return str(own.get(key) or github.get(key, ""))


def _check(
    arguments: argparse.Namespace, values: dict[str, Any], repository: str, keep: Path, given: dict[str, Secret]
) -> tuple[str, Access]:
    """Find the token, asking for one if there is a person, and look at the repository with it; return its file too.

    `given` holds the token that was typed for each address, for another try with another repository.
    """
    known, address = values.get("github") or {}, _base_url(arguments, values, repository)
    named = arguments.token_file or _known(values, repository, "token_file")
    elsewhere = address != known.get("base_url", "") and any(
        one.get("name") != repository for one in known.get("repositories") or ()
    )
    if elsewhere and named in ("", known.get("token_file", "")):
        raise UsageError("Another GitHub than the others' needs a token of its own.", "Give --token-file FILE.")
    optional = {"token_file": named, "base_url": address}
    settings = build({"github": {key: value for key, value in optional.items() if value}}, "the answers").github
    try:
        if (token := given.get(settings.base_url)) is not None:
            found = access(settings, token, repository, arguments.branch or "")
            return _keep(token, keep), found
        token = github_token(settings)
        found = access(settings, token, repository, arguments.branch or "")
        return _kept(settings, token, keep, asking=arguments.repository is None) or named, found
    except TokenRefused as error:
        if arguments.repository is not None:
            raise
        sys.stderr.write(f"{error.message}\n")
    sys.stdout.write(f"One with read access to Actions and Contents is made at {site(settings)}{TOKENS}\n")
    while True:
        token = given[settings.base_url] = Secret(getpass.getpass("GitHub token: ").strip())
        try:
            found = access(settings, token, repository, arguments.branch or "")
        except TokenRefused as error:
            sys.stderr.write(f"{error.message}\n")
            continue
        return _keep(token, keep), found


def _kept(settings: Github, token: Secret, path: Path, *, asking: bool) -> str:
    """Offer to keep a token that only this terminal knows; return its file, empty without one."""
    variable = only_here(settings)
    if variable is None:
        return ""
    if asking and _ask(f"Keep the token of ${variable} for the background service (yes/no)", "yes")[0] in "yY":
        return _keep(token, path)
    sys.stdout.write(f"The token is only in ${variable}, which a background service doesn't have: give --token-file.\n")
    return ""


def _keep(token: Secret, path: Path) -> str:
    """Put the token into the keychain, or where there is none into a file of the person's alone; return the file."""
    if to_keychain(token):
        return ""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(token.reveal() + "\n")
    sys.stdout.write(f"There is no keychain here: the token is in {path}, readable by you alone.\n")
    return str(path)


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
