"""The verification service as a stage sets it up: its cache, the repository's own rules, what is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Verification
from pipeline.records import Finding
from pipeline.stage import Context, Progress
from pipeline.verification.runners.registry import RUNNERS, available
from pipeline.verification.service import Service

_OWN_RULES = (".semgrep", ".semgrep.yml", ".semgrep.yaml", "semgrep.yml", "semgrep.yaml")


def scanning_settings(settings: Verification) -> dict[str, Any]:
    """Return what of the settings and of this machine determines verdicts."""
    return {
        "settings": msgspec.to_builtins(settings),
        "scanners": {runner.name: available(runner, settings) for runner in RUNNERS},
    }


def service_of(context: Context, stage: str, findings: Sequence[Finding] = ()) -> Service:
    """Return the service for the stage named `stage`: scans are kept in the workspace, across runs."""

    def progress(done: int, total: int) -> None:
        context.progress(Progress(stage=stage, message="verdicts", done=done, total=total))

    return Service(
        settings=context.settings.verification,
        cache=context.folder.parents[2] / "cache" / "scans",
        own_rules=own_rules(context),
        findings=findings,
        progress=progress,
    )


def own_rules(context: Context) -> Path | None:
    """Return the repository's own Semgrep rules, None when it has none on disk."""
    return rules_in([Path(source) for source in (context.request.source, context.request.earlier_source) if source])


def rules_in(sources: Sequence[Path]) -> Path | None:
    """Return the first source's own Semgrep rules, None when none has any."""
    found = (source / name for source in sources for name in _OWN_RULES)
    return next((path for path in found if path.exists()), None)
