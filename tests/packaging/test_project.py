"""The project's promises about itself: the lock, the names, the sample, README and --help in agreement."""

import argparse
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import load_settings
from config.sample import sample
from pipeline.process_artifacts import parser

ROOT = Path(__file__).parents[2]
OURS = ("config", "daemon", "launchagent", "pipeline")


def locked() -> list[str]:
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


def test_nothing_in_the_lock_is_named_like_our_packages() -> None:
    assert not {"python-daemon", *OURS} & set(locked())


def test_no_installed_distribution_but_ours_provides_our_packages() -> None:
    from importlib.metadata import packages_distributions

    provided = packages_distributions()
    for name in OURS:
        assert set(provided.get(name, ["fixsmith"])) == {"fixsmith"}


def test_the_lock_has_every_declared_dependency_and_no_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=;~ ]", entry, maxsplit=1)[0].lower() for entry in declared}
    assert names <= set(locked())
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_sample_settings_are_generated_from_the_types() -> None:
    assert (ROOT / "config" / "olmo-security-config.yaml").read_text() == sample(), "run `make sample`"


def test_the_sample_settings_are_the_defaults() -> None:
    assert load_settings(ROOT / "config" / "olmo-security-config.yaml", {}) == load_settings(None, {})


def test_every_flag_the_readme_names_exists() -> None:
    flags = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", (ROOT / "README.md").read_text()))
    known = parser().format_help() + "".join(helps())
    unknown = {flag for flag in flags if flag not in known} - {"--help", "--adapter-path", "--model"}
    assert not unknown


def helps() -> Iterator[str]:
    """Yield the help of every command of `fixsmith` that is built."""
    from daemon.cli import COMMANDS

    for command in COMMANDS:
        if command.module:
            subparsers = argparse.ArgumentParser().add_subparsers()
            importlib.import_module(command.module).add(subparsers)
            yield from (made.format_help() for made in subparsers.choices.values())


def test_every_stage_folder_of_the_readme_is_a_stage() -> None:
    from config.settings import Settings
    from pipeline.flow import stages

    line = re.search(r"^`(collect → .*)`$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert line is not None
    assert line[1].split(" → ") == [stage.name for stage in stages(Settings())]


@pytest.mark.parametrize("module", ["pipeline.process_artifacts", "daemon.cli"])
def test_the_command_line_imports_nothing_heavy(module: str) -> None:
    heavy = ("mlx", "mlx_lm", "torch", "transformers", "ray")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_no_file_names_a_machine_of_its_makers() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    forbidden = re.compile(rb"/work/(main|shared)|/root/\.|/opt/(wheels|pypi)")
    named = [
        name
        for name in tracked.decode().split("\0")
        if name and name != "tests/packaging/test_project.py" and forbidden.search((ROOT / name).read_bytes())
    ]
    assert not named
