"""Other forms of an adapter: PEFT's, and fused into its base model. GGUF isn't among them: no converter knows OLMo."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from config.errors import Error

FUSING_SECONDS = 3600.0


def peft(source: Path, target: Path, base: str) -> None:
    """Write the adapter as PEFT reads it, its base by the name that others know; training's own names a place here."""
    from pipeline.publishing.cards import hub_name
    from pipeline.training.peft import export

    export(source, target, hub_name(base) or Path(base).name)


def fused(source: Path, target: Path, base: str) -> None:
    """Write base and adapter as one MLX model, checked to answer alike; raise Error when they don't."""
    from pipeline.models.base import resolve

    command = [sys.executable, "-m", "pipeline.training.mlx.fuse", "--model", str(resolve(base).path)]
    done = subprocess.run(
        [*command, "--adapter", str(source), "--output", str(target)],
        capture_output=True, text=True, timeout=FUSING_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Error(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "Fusing failed.")


MAKERS: dict[str, Callable[[Path, Path, str], None]] = {"peft": peft, "fused": fused}
