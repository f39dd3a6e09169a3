"""One training on one side, in this process: ours, mlx-lm's as shipped or repaired, the matrix products alone."""

from __future__ import annotations

import contextlib
import io
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.conversations import conversations

RSS_UNIT = 1 if sys.platform == "darwin" else 1024
RATE, RANK, LAYERS = 1e-4, 8, 16


def measure(
    side: str, off: str, model: str, lengths: str, batch: int, documents: int, epochs: int, row: int
) -> dict[str, float]:
    """Train on one side and return its figures. Runs in a child."""
    import mlx.core as mx
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from pipeline.models.load import load
    from pipeline.training.examples import encode

    loaded, tokenizer = load(Path(model))
    data = conversations(lengths, documents, 1)
    encoded = [encode(str(number), item["messages"], tokenizer) for number, item in enumerate(data)]
    held_out = [encode("v", item["messages"], tokenizer) for item in conversations(lengths, 8, 2)]
    mx.random.seed(0)
    loaded.freeze()
    layers = min(LAYERS, len(loaded.layers))
    linear_to_lora_layers(loaded, layers, {"rank": RANK, "scale": 2.0, "dropout": 0.0})
    mx.eval(loaded.parameters())
    mx.reset_peak_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    if side == "products":
        seen = products(loaded, encoded, batch, epochs, row)
    elif side == "fixsmith":
        seen = ours(loaded, encoded, batch, epochs, row, off)
    else:
        seen = theirs(loaded, tokenizer, data, batch, epochs, repaired=side == "sorted")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak, resident = mx.get_peak_memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
    tokens = sum(len(encoded[number].tokens) for number in seen)
    return {
        "tokens_per_cpu_second": tokens / cpu, "cpu_seconds": cpu, "wall_seconds": wall, "peak_bytes": peak,
        "resident_bytes": resident,
        "examples_seen": len(seen), "valid_loss": valid(loaded, held_out),
    }  # fmt: skip


def valid(model: Any, held_out: list[Any]) -> float:
    """Return the same held-out loss for every side."""
    from mlx.utils import tree_flatten

    from pipeline.training.mlx import architecture, step
    from pipeline.training.recipe import Recipe

    step.plan = architecture.plan
    stepper = step.Stepper(model, Recipe(), held_out, 4096)
    return stepper.validation(range(len(held_out)), dict(tree_flatten(model.trainable_parameters())))


def ours(model: Any, encoded: list[Any], batch: int, epochs: int, row: int, off: str) -> list[int]:
    """Train with fixsmith's step; return the numbers of the examples seen."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    from pipeline.training.mlx.optimizer import Optimizer
    from pipeline.training.mlx.step import Stepper
    from pipeline.training.order import epoch_steps
    from pipeline.training.recipe import Recipe

    switch_off(off)
    recipe = Recipe(learning_rate=RATE, rank=RANK, batch_size=batch, shared_prefix=off != "shared-prefix")
    weights = dict(tree_flatten(model.trainable_parameters()))
    stepper = Stepper(
        model, recipe, encoded, row, keep=epochs > 1 and layers_below(model) and off != "kept-lower-blocks"
    )
    if off == "quick-exponential":
        from pipeline.training.mlx.elementwise import gated_plain

        stepper.training.gated = gated_plain
    optimizer, seen = Optimizer(recipe, weights), []
    for epoch in range(epochs):
        for chosen in epoch_steps(len(encoded), 0, 0.0, batch, 0, epoch):
            outcome = stepper.step(chosen, weights, 0)
            weights = optimizer.apply(weights, outcome.gradients, RATE)
            mx.eval(weights, optimizer.inner.state, outcome.loss)
            seen += chosen
    stepper.put(weights)
    return seen


def products(model: Any, encoded: list[Any], batch: int, epochs: int, row: int) -> list[int]:
    """Compute the matrix products of `ours` alone: linear layers and vocabulary projection, forth and back."""
    import mlx.core as mx
    from mlx import nn

    from pipeline.training.mlx.architecture import frozen_linear
    from pipeline.training.mlx.loss import CHUNK
    from pipeline.training.mlx.step import Stepper
    from pipeline.training.order import epoch_steps
    from pipeline.training.recipe import Recipe

    stepper, seen = Stepper(model, Recipe(batch_size=batch), encoded, row), []
    last = len(model.layers) - 1
    for epoch in range(epochs):
        for chosen in epoch_steps(len(encoded), 0, 0.0, batch, 0, epoch):
            for laid in stepper.layout(chosen):
                tokens, scored = len(laid.tokens), len({score.position for score in laid.scores})
                for number, layer in enumerate(model.layers):
                    frozen = {
                        id(frozen_linear(module)): (name, frozen_linear(module))
                        for name, module in layer.named_modules()
                        if hasattr(module, "lora_a")
                    }
                    for name, module in frozen.values():
                        few = number == last and not name.endswith(("k_proj", "v_proj"))
                        both_ways(module.weight, scored if few else tokens)
                head = model.lm_head if "lm_head" in model else model.model.embed_tokens
                assert isinstance(head, (nn.Linear, nn.Embedding))
                for start in range(0, len(laid.scores), CHUNK):
                    both_ways(head.weight, min(CHUNK, len(laid.scores) - start))
            seen += chosen
    mx.clear_cache()
    return seen


def both_ways(weight: Any, rows: int) -> None:
    """Multiply `rows` rows with a weight matrix [out, in], and as many gradients back through it."""
    import mlx.core as mx

    forth = mx.ones((rows, weight.shape[1])) @ weight.T
    mx.eval(forth, forth @ weight)


def layers_below(model: Any) -> bool:
    """Return whether there are blocks below the lowest adapter."""
    from pipeline.training.mlx.architecture import first_trained

    return first_trained(model) > 0


def switch_off(off: str) -> None:
    """Undo one technique, to see what it brings."""
    import mlx.core as mx
    import msgspec

    from pipeline.training.mlx import architecture, attention, loss, step

    if off == "quick-exponential":
        attention.exponential = loss.exponential = mx.exp
    elif off == "query-chunks":
        attention.QUERIES = 1 << 20
    elif off == "per-document-attention":
        attention._causal = attention._fused
    elif off in ("last-block", "scored-positions"):
        plain = architecture.plan

        def everywhere(row: Any) -> Any:
            if off == "scored-positions":
                from pipeline.training.packing import Score

                scored = {(score.position, score.target) for score in row.scores}
                rest = [Score(at, 0, 0.0, 0) for at in range(len(row.tokens)) if not any(at == p for p, _ in scored)]
                row = msgspec.structs.replace(row, scores=(*row.scores, *rest))
                return plain(row)
            made = plain(row)
            asked = tuple(range(len(row.tokens)))
            among = mx.array([score.position for score in row.scores])
            return msgspec.structs.replace(made, asked=asked, last=made.everywhere, among_asked=among)

        step.plan = everywhere


def theirs(model: Any, tokenizer: Any, data: list[Any], batch: int, epochs: int, repaired: bool) -> list[int]:
    """Train with mlx-lm's own loop; return the numbers of the examples seen."""
    import numpy as np
    from mlx.optimizers import AdamW
    from mlx_lm.tuner.datasets import CacheDataset, ChatDataset
    from mlx_lm.tuner.trainer import TrainingArgs, train

    class Repaired(CacheDataset):
        def itemlen(self, index: int) -> int:
            return len(self[index][0])

    class Counting(ChatDataset):
        def __getitem__(self, index: int) -> Any:
            return self._data[index]

    dataset = (Repaired if repaired else CacheDataset)(Counting(data, tokenizer, mask_prompt=True))
    seen: list[int] = []
    get = type(dataset).__getitem__
    counting = type("Counted", (type(dataset),), {"__getitem__": lambda self, n: (seen.append(n), get(self, n))[1]})
    iterations = len(data) // batch * epochs
    if repaired:
        [dataset[number] for number in range(len(data))]
    dataset.__class__ = counting
    np.random.seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArgs(
            batch_size=batch, iters=iterations, steps_per_save=10**9, steps_per_report=10**9,
            max_seq_length=4096, adapter_file=f"{scratch}/adapters.safetensors",
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):
            train(model, AdamW(RATE, weight_decay=0.01, bias_correction=True), dataset, args=arguments)
    return seen[-iterations * batch :]
