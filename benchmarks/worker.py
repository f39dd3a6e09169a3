"""The worker's speed on one device: CodeLlama-7B's shape, random weights, the SAST recipe and what each choice brings.

    python -m benchmarks.worker --size 7b            # on a CUDA GPU; 14 GB of disk for the weights
    python -m benchmarks.worker --size tiny          # anywhere, to see that it runs

Prints a line a variant: real tokens/s (no padding counted) and answer tokens/s, share of the device's measured matrix
ceiling (model FLOPs: recomputation is not counted as work), peak memory. Loss and optimizer step are the worker's own.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
import torch

from pipeline.remote import shipped
from pipeline.remote.contract import Base
from pipeline.remote.recipe import Recipe
from pipeline.remote.worker import base as bases
from pipeline.remote.worker import optimizer
from pipeline.remote.worker.devices import Devices
from pipeline.remote.worker.step import Stepper
from pipeline.training.examples import Encoded

SHAPES = {
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32},
    "tiny": {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4},
}
VARIANTS: dict[str, dict[str, object]] = {
    "padded, all logits": {"packing": False, "fused_loss": False},
    "padded, fused loss": {"packing": False},
    "packed, all logits": {"fused_loss": False},
    "packed": {},
    "packed, no checkpointing": {"gradient_checkpointing": False},
    "packed, dequantised": {"dequantize": True},
    "packed, dequantised, no checkpointing": {"dequantize": True, "gradient_checkpointing": False},
    "packed, dequantised, rows of 16,384": {"dequantize": True, "token_budget": 16_384},
    "packed, bf16 weights, 32-bit AdamW": {"quantization": "none", "optimizer": "adamw"},
}


def main() -> None:
    """Measure the variants asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=sorted(SHAPES), default="tiny")
    parser.add_argument("--steps", type=int, default=6, help="measured after one that isn't")
    parser.add_argument("--only", help="variants whose name holds this")
    parser.add_argument("--weights", type=Path, help="folder for the random weights (default: a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.weights or Path(temporary) / "base"
        parameters = make(folder, arguments.size)
        ceiling = matrix_ceiling(8192 if torch.cuda.is_available() else 512)
        print(f"{Devices().name}, torch {torch.__version__}: {ceiling / 1e12:.1f} TFLOP/s in bf16 matrices")
        for name, changes in VARIANTS.items():
            if not arguments.only or arguments.only in name:
                measure(name, recipe(arguments.size, changes), folder, arguments.steps, parameters, ceiling)


def recipe(size: str, changes: dict[str, object]) -> Recipe:
    """Return the SAST recipe with `changes`; on the tiny shape with short examples."""
    plain = msgspec.structs.asdict(shipped.read("codellama-sast").recipe)
    small = {} if size == "7b" else {"max_tokens": 128, "gradient_accumulation": 2}
    return Recipe(**plain | small | changes)


def make(folder: Path, size: str) -> dict[str, int]:
    """Write a random model of the shape, unless it is there; return its sizes."""
    from transformers import LlamaConfig, LlamaForCausalLM

    heads = SHAPES[size]["num_attention_heads"]
    config = LlamaConfig(
        vocab_size=32_016, num_key_value_heads=heads, max_position_embeddings=16_384, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6}, **SHAPES[size],
    )  # fmt: skip
    if not (folder / "config.json").is_file():
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            model = LlamaForCausalLM(config).to(torch.bfloat16)
        model.save_pretrained(folder)
        del model
        free()
    blocks = config.num_hidden_layers * (4 * config.hidden_size**2 + 3 * config.hidden_size * config.intermediate_size)
    return {"blocks": blocks, "head": config.vocab_size * config.hidden_size, "hidden": config.hidden_size,
            "layers": config.num_hidden_layers}  # fmt: skip


def examples(recipe: Recipe, count: int) -> list[Encoded]:
    """Return `count` examples of random tokens: log-normal lengths round a third of the longest, a third answer."""
    random = np.random.default_rng(1)
    made = []
    for number in range(count):
        length = int(np.clip(random.lognormal(np.log(recipe.max_tokens / 3), 0.6), 32, recipe.max_tokens))
        tokens = tuple(int(token) for token in random.integers(3, 32_000, length))
        made.append(Encoded(str(number), tokens, tuple(at >= length - length // 3 for at in range(length))))
    return made


def flops(sizes: dict[str, int], chosen: list[Encoded], fused: bool) -> float:
    """Return a step's model FLOPs: 4 a frozen weight and token (forward, towards the inputs), attention, head."""
    tokens = sum(len(example.tokens) for example in chosen)
    answers = sum(sum(example.answer) for example in chosen)
    attention = sum(6 * len(example.tokens) ** 2 * sizes["hidden"] * sizes["layers"] for example in chosen)
    return 4 * sizes["blocks"] * tokens + attention + 4 * sizes["head"] * (answers if fused else tokens)


def matrix_ceiling(size: int) -> float:
    """Return the FLOP/s that square bf16 products of `size` reach on this device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = 0.0
    for _ in range(5):
        seconds = timed(lambda: [left @ right for _ in range(10)])
        best = max(best, 10 * 2 * size**3 / seconds)
    return best


def timed(work: object) -> float:
    """Return the seconds `work` takes on the device."""
    wait()
    started = time.perf_counter()
    work()  # type: ignore[operator]
    wait()
    return time.perf_counter() - started


def wait() -> None:
    """Wait until the device has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def free() -> None:
    """Give memory back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def measure(name: str, recipe: Recipe, folder: Path, steps: int, sizes: dict[str, int], ceiling: float) -> None:
    """Train `steps` steps and print what they took; a variant that doesn't fit says so."""
    free()
    devices = Devices()
    try:
        model = bases.adapted(bases.load(Base(model=str(folder)), recipe, devices.device), recipe)
        per_step = recipe.batch_size * recipe.gradient_accumulation
        data = examples(recipe, per_step * (steps + 1))
        stepper = Stepper(model, recipe, data, devices)
        adam = optimizer.build(recipe, stepper.parameters)

        def step(number: int) -> None:
            stepper.step(range(number * per_step, (number + 1) * per_step), number)
            optimizer.clip(stepper.parameters, recipe.gradient_clip)
            adam.step()

        step(0)
        seconds = timed(lambda: [step(number) for number in range(1, steps + 1)])
    except torch.OutOfMemoryError:
        print(json.dumps({"variant": name, "said": "does not fit"}))
        return
    chosen = data[per_step:]
    tokens = sum(len(example.tokens) for example in chosen)
    work = flops(sizes, chosen, recipe.fused_loss)
    answers = sum(sum(example.answer) for example in chosen)
    print(json.dumps({
        "variant": name, "tokens_per_second": round(tokens / seconds), "answers_per_second": round(answers / seconds),
        "gflop_per_token": round(work / tokens / 1e9, 2), "mfu": round(work / seconds / ceiling, 3),
        "peak_memory_gb": round(devices.peak_memory() / 1e9, 2), "seconds_per_step": round(seconds / steps, 3),
    }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
