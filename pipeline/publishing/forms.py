"""Other forms of an adapter: PEFT's; fused into its base model; and that as GGUF, for Llama and OLMo-2."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from config.errors import Error

SECONDS = 3600.0
GGUF = "model.gguf"


def peft(source: Path, target: Path, base: str) -> None:
    """Write the adapter as PEFT reads it, its base by the name that others know; training's own names a place here."""
    from pipeline.publishing.cards import hub_name
    from pipeline.training.peft import export

    export(source, target, hub_name(base) or Path(base).name)


def fused(source: Path, target: Path, base: str) -> None:
    """Write base and adapter as one MLX model, checked to answer alike; raise Error when they don't."""
    from pipeline.models.base import resolve

    model = str(resolve(base).path)
    _run("pipeline.training.mlx.fuse", "--model", model, "--adapter", str(source), "--output", str(target))


def gguf(source: Path, target: Path, base: str) -> None:
    """Write base and adapter, fused and checked like `fused`, as one GGUF file; raise Error where that can't be."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".gguf-") as scratch:
        whole = Path(scratch) / "fused"
        fused(source, whole, base)
        target.mkdir()
        _run("pipeline.training.mlx.gguf", "--model", str(whole), "--output", str(target / GGUF))


def _run(module: str, *arguments: str) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Error(f"{module} took longer than {SECONDS:.0f} s.") from error
    if done.returncode:
        raise Error(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{module} failed.")


MAKERS: dict[str, Callable[[Path, Path, str], None]] = {"peft": peft, "fused": fused, "gguf": gguf}
