"""Fuse an adapter into its base model, and check that the result still says the same.

Re-quantising a fused 4-bit base loses the adapter: its effect is smaller than a quantisation step.
So the fused model's logits are compared with base + adapter; where quantised fusing fails the
check, the fused model is written dequantised, and where that fails too, it is refused.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_unflatten
from mlx_lm.utils import dequantize_model, save_config, save_model

from config.errors import Error
from pipeline.models.load import adapter_config, load
from pipeline.training import files
from pipeline.training.mlx.elementwise import number

_BESIDE = ("tokenizer*", "*.jinja", "special_tokens_map.json", "vocab.json", "merges.txt", "added_tokens.json",
           "generation_config.json")  # fmt: skip
TOLERANCE = 0.02  # of the adapter's own effect on the logits
PROMPTS = (
    "Explain this finding: a query is built from input.",
    "def lookup(name):\n    return subprocess.run(command, shell=True)",
    '{"cwe": 89, "severity": "high"}',
)


class FusingRefused(Error):
    """The fused model would answer differently from base + adapter."""


def fuse(base: Path, adapter: Path, output: Path, prompts: Sequence[str] = PROMPTS) -> dict[str, Any]:
    """Write the fused model and return {"dequantized", "error"}: the error relative to the adapter's effect.

    Raises `FusingRefused` when even the dequantised model differs by more than `TOLERANCE`.
    """
    model, tokenizer = load(base, quantization=_quantization(adapter))
    plain = _logits(model, tokenizer, prompts)
    model, tokenizer = load(base, adapter)
    wanted = _logits(model, tokenizer, prompts)
    quantised = any(isinstance(getattr(module, "linear", None), nn.QuantizedLinear) for module in model.modules())
    came_quantised = "quantization" in json.loads((base / "config.json").read_text(encoding="utf-8"))
    for dequantize in ((False, True) if came_quantised else (True,)) if quantised else (False,):
        fused = _fused(base, adapter, dequantize)
        error = _relative(_logits(fused, tokenizer, prompts), wanted, plain)
        if error <= TOLERANCE:
            _write(fused, base, output, dequantize, quantised)
            return {"dequantized": dequantize, "error": error}
    raise FusingRefused(
        f"The fused model differs from base and adapter by {error:.0%} of the adapter's effect.",
        "Use the adapter as it is: `--adapter-path`.",
    )


def _quantization(adapter: Path) -> str:
    """Return how the base was quantised for the adapter: its effect is what it adds to that base."""
    return str(adapter_config(adapter).get("fixsmith", {}).get("quantization", "none"))


def _fused(base: Path, adapter: Path, dequantize: bool) -> Any:
    model, _ = load(base, adapter)
    layers = [
        (name, module.fuse(dequantize=dequantize)) for name, module in model.named_modules() if hasattr(module, "fuse")
    ]
    model.update_modules(tree_unflatten(layers))
    return dequantize_model(model) if dequantize else model


def _logits(model: Any, tokenizer: Any, prompts: Sequence[str]) -> mx.array:
    outputs = [model(mx.array(tokenizer.encode(prompt))[None])[0].astype(mx.float32) for prompt in prompts]
    result = mx.concatenate(outputs)
    mx.eval(result)
    return result


def _relative(found: mx.array, wanted: mx.array, plain: mx.array) -> float:
    effect = mx.sqrt(mx.square(wanted - plain).sum())
    return number(mx.sqrt(mx.square(found - wanted).sum()) / mx.maximum(effect, 1e-6))


def _write(model: Any, base: Path, output: Path, dequantized: bool, quantised: bool) -> None:
    temporary = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_model(temporary, model, donate_model=True)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    for name in ("quantization", "quantization_config") if dequantized or not quantised else ():
        config.pop(name, None)
    save_config(config, temporary / "config.json")
    for pattern in _BESIDE:
        for path in base.glob(pattern):
            shutil.copy(path, temporary / path.name)
    files.rename_folder(temporary, output)


def main() -> int:
    """Fuse as told on the command line and print the outcome as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--model", "--adapter", "--output"):
        parser.add_argument(name, required=True, type=Path)
    arguments = parser.parse_args()
    try:
        sys.stdout.write(json.dumps(fuse(arguments.model, arguments.adapter, arguments.output)) + "\n")
    except Error as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
