"""Every runner; adding one is a file and a line here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from config.settings import Verification
from pipeline.verification.interface import Runner, ScannerMissing, Setup
from pipeline.verification.runners.bandit import Bandit
from pipeline.verification.runners.checkov import Checkov
from pipeline.verification.runners.gitleaks import Gitleaks
from pipeline.verification.runners.hadolint import Hadolint
from pipeline.verification.runners.javascript import EslintSecurity, Njsscan
from pipeline.verification.runners.ruff import Ruff
from pipeline.verification.runners.semgrep import Opengrep, Semgrep
from pipeline.verification.runners.trivy import Tfsec, Trivy
from pipeline.verification.runners.zizmor import Zizmor

RUNNERS: tuple[Runner, ...] = (
    Semgrep(),
    Opengrep(),
    Bandit(),
    Checkov(),
    Trivy(),
    Tfsec(),
    Hadolint(),
    Zizmor(),
    Gitleaks(),
    Ruff(),
    EslintSecurity(),
    Njsscan(),
)


def runner_for(scanner: str) -> Runner | None:
    """Return the runner of a finding's scanner, None when there is none."""
    name = scanner.strip().lower()
    return next((runner for runner in RUNNERS if name in runner.scanners or name == runner.name), None)


def find_setup(runner: Runner, settings: Verification, own_rules: Path | None = None) -> Setup:
    """Return how the scanner is started here; raise ScannerMissing with the reason when it can't be."""
    program = _program(runner, settings)
    if program is None:
        raise ScannerMissing(
            f"{runner.name} isn't installed", f"Install it, or name it in verification.programs: {runner.name}=PATH."
        )
    rules = Path(settings.semgrep_rules).expanduser() if settings.semgrep_rules else own_rules
    if runner.needs_rules and (rules is None or not rules.exists()):
        raise ScannerMissing(f"the rules of {runner.name} aren't available", "Set verification.semgrep_rules.")
    return Setup(program, version_of(program), rules.resolve() if rules is not None and runner.needs_rules else None)


def available(runner: Runner, settings: Verification) -> str | None:
    """Return the version of a scanner that is installed here, None when it isn't."""
    program = _program(runner, settings)
    return None if program is None else version_of(program)


def _program(runner: Runner, settings: Verification) -> str | None:
    named = dict(entry.split("=", 1) for entry in settings.programs).get(runner.name)
    if named is not None:
        found = shutil.which(str(Path(named).expanduser()))
        return str(Path(found).absolute()) if found else None
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = next((found for name in runner.programs if (found := shutil.which(name, path=path))), None)
    return str(Path(found).absolute()) if found else None


@lru_cache(maxsize=64)
def version_of(program: str) -> str:
    """Return what a program calls its version, empty when it doesn't say."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+(?:\.\d+)+\S*", done.stdout or done.stderr)
    return match.group(0).strip("(),;") if match else ""
