"""After training: the adapter merged into its own base, quantised if asked, and how far logits moved by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.nn.functional import cross_entropy

from pipeline.remote.contract import Delivered, Spec
from pipeline.remote.recipe import Recipe
from pipeline.remote.worker import attention, base, quantizing
from pipeline.remote.worker.step import Stepper
from pipeline.training.data import Data
from pipeline.training.examples import Encoded

MERGED = "merged"


class Probe(msgspec.Struct, frozen=True):
    """A model's logits at the answers of some examples, [positions, vocabulary], and its loss there."""

    logits: torch.Tensor
    loss: float


def finish(
    spec: Spec, model: Any, tokenizer: Any, read: Data, stepper: Stepper, output: Path, say: Callable[..., None]
) -> tuple[Delivered, ...]:
    """Write `merged/` and what is quantised from it into `output`; return how each compares."""
    numbers = (list(read.valid) or list(read.train))[: spec.finish.probes]
    probes = [read.examples[number] for number in numbers]
    device = stepper.devices.device
    before = probe(model, probes, device)
    say("finishing", message="merging the adapter into its base")
    folder = output / MERGED
    merge(spec, base.weights(model), tokenizer, folder, device)
    loaded = load(folder, spec.recipe, device)
    delivered = [compared("merged", folder, before, probe(loaded, probes, device))]
    calibration = [read.examples[number] for number in read.train][: spec.finish.calibration_examples]
    for kind in spec.finish.quantize:
        say("finishing", message=f"quantising with {kind}")
        target = output / kind
        quantizing.quantize(kind, folder, target, tokenizer, calibration)
        small = load(target, spec.recipe, device)
        delivered.append(compared(kind, target, before, probe(small, probes, device)))
    return tuple(delivered)


def merge(spec: Spec, weights: dict[str, torch.Tensor], tokenizer: Any, folder: Path, device: torch.device) -> None:
    """Write the base with the adapter in its weights; quantised bases are turned back first, so that logits stay."""
    recipe = msgspec.structs.replace(spec.recipe, gradient_checkpointing=False, dropout=0.0)
    frozen = base.load(spec.base, recipe, device)
    if recipe.quantization != "none":
        base.dequantize(frozen, next(frozen.parameters()).dtype)
    model = base.adapted(frozen, recipe)
    base.put(model, weights)
    merged = model.merge_and_unload(safe_merge=True)
    merged.config.use_cache = True
    merged.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load(folder: Path, recipe: Recipe, device: torch.device) -> Any:
    """Return the model in `folder` as somebody else would load it."""
    from transformers import AutoModelForCausalLM

    attention.register()
    dtype = torch.bfloat16 if recipe.precision == "bf16" else torch.float32
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation=attention.NAME, local_files_only=True, device_map={"": device}
    )


def probe(model: Any, examples: Sequence[Encoded], device: torch.device) -> Probe:
    """Return what `model` says at the answers of `examples`, each by itself."""
    model.eval()
    logits, targets = [], []
    with torch.no_grad():
        for example in examples:
            tokens = torch.tensor([example.tokens], device=device)
            scored = [at for at, answer in enumerate(example.answer[1:]) if answer]
            logits.append(model(input_ids=tokens, use_cache=False).logits[0, scored].float().cpu())
            targets.append(tokens[0, [at + 1 for at in scored]].cpu())
    everything = torch.cat(logits)
    return Probe(everything, float(cross_entropy(everything, torch.cat(targets))))


def compared(kind: Any, folder: Path, before: Probe, after: Probe) -> Delivered:
    """Return size and distances of a model that was written and loaded again."""
    apart = (after.logits - before.logits).abs().max() / before.logits.abs().max()
    changed = (after.logits.argmax(-1) != before.logits.argmax(-1)).float().mean()
    return Delivered(
        kind=kind,
        folder=folder.name,
        bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        logits_distance=float(apart),
        top_changed=float(changed),
        loss=after.loss,
        loaded=True,
    )
