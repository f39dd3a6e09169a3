"""The scanners that verify fixes: which start here, and in which version."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from daemon.doctor.interface import Circumstances, Finding, Level

NONE = "Fixes are verified by scanning again: install the scanners that your CI runs, `pip install bandit` for one."


def scanners(circumstances: Circumstances) -> Iterator[Finding]:
    """Every scanner that is installed is asked for its version: one that doesn't start verifies nothing."""
    from pipeline.verification.runners.registry import RUNNERS, available

    settings = circumstances.settings.verification
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda runner: available(runner, settings), RUNNERS))
    there = [(runner, version) for runner, version in zip(RUNNERS, versions, strict=True) if version is not None]
    working = ", ".join(f"{runner.name} {version}" for runner, version in there if version)
    yield Finding("scanners", Level.OK if working else Level.NOTE, working or "none found", "" if working else NONE)
    for runner, version in there:
        if not version:
            advice = f"Run `{runner.programs[0]} --version`, and install it again."
            yield Finding(runner.name, Level.WARNING, "is installed but doesn't start", advice)
        elif runner.needs_rules and not settings.semgrep_rules:
            advice = "Without them only repositories with their own rules are verified: set verification.semgrep_rules."
            yield Finding(runner.name, Level.NOTE, "has no rules", advice)
