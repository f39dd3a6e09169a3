"""Where a fix may write: the finding's own file (a package's manifests), and never a scanner's settings."""

from __future__ import annotations

import re

from pipeline.records import FileLocation, Finding, ImageLocation, PackageLocation
from pipeline.verification.change import Change, difference
from pipeline.verification.suppressions import is_scanner_setting

_MANIFESTS = (
    "requirements", "constraints", "pyproject.toml", "pipfile", "poetry.lock", "uv.lock", "pdm.lock", "setup.py",
    "setup.cfg", "package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "pom.xml",
    "build.gradle", "gradle.lockfile", "libs.versions.toml", "go.mod", "go.sum", "cargo.toml", "cargo.lock", "gemfile",
    "composer.json", "composer.lock", "dockerfile", "containerfile",
)  # fmt: skip
_SETTINGS = re.compile(
    r"^\[(?:tool\.)?(?:bandit|ruff|flake8|pylint|semgrep|pyright|mypy)\b|^\"(?:eslintConfig|eslintIgnore)\"",
    re.MULTILINE,
)
"""Sections of scanners in files that hold other things, too: pyproject.toml, setup.cfg, package.json."""


def wrong_place(change: Change) -> str | None:
    """Return why a fix may not write where it does, None when it may."""
    if is_scanner_setting(change.path) and not _about(change.finding, change.path, _MANIFESTS):
        return "it changes a scanner's settings"
    if _SETTINGS.search("\n".join(difference(change)[1])):
        return "it changes a scanner's settings"
    if any(edit.path != change.path for edit in change.fix.companions):
        return "it edits several files"
    if not _allowed(change.finding, change.path):
        return "it edits another file than the finding's"
    return None


def _allowed(finding: Finding, path: str) -> bool:
    location = finding.location
    if isinstance(location, FileLocation):
        return _same(location.path, path)
    if isinstance(location, PackageLocation | ImageLocation):
        named = location.path is not None and _same(location.path, path)
        return named or _is_manifest(path)
    return False


def _about(finding: Finding, path: str, names: tuple[str, ...]) -> bool:
    return isinstance(finding.location, PackageLocation) and path.rpartition("/")[2].lower().startswith(names)


def _is_manifest(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.startswith(_MANIFESTS) or "/.github/workflows/" in f"/{path}"


def _same(reported: str, path: str) -> bool:
    """Tell whether a reported path is the tree's: it may carry a prefix of the machine that scanned."""
    plain = reported.replace("\\", "/").removeprefix("file://").removeprefix("./")
    return plain == path or plain.endswith(f"/{path}") or path.endswith(f"/{plain}")
