"""Memory: measured by a dry run of the largest row before the first step, and kept within bounds."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from config.errors import UsageError
from pipeline.training import files
from pipeline.training.backend import TrainingError, TrainingEvent, TrainingJob
from pipeline.training.data import Data, longest
from pipeline.training.mlx.adapters import Weights
from pipeline.training.mlx.architecture import first_trained, hidden_bytes, packable
from pipeline.training.mlx.elementwise import on_cpu
from pipeline.training.mlx.step import Stepper
from pipeline.training.recipe import Recipe

_FILE = "plan.json"
LARGEST_ROW = {True: 1024, False: 4096}  # tokens, on a CPU and on a GPU: longer rows gain nothing
_SHARE = 0.75


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided before the first step, kept so that a resumed run decides the same."""

    identity: str
    token_budget: int
    gradient_checkpointing: bool
    keep_lower: bool
    peak_bytes: int

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe as it is carried out."""
        return msgspec.structs.replace(recipe, gradient_checkpointing=self.gradient_checkpointing)


def planned(job: TrainingJob, model: Any, weights: Weights, data: Data, identity: str, emit: Any) -> Plan:
    """Return the plan of this training, made on its first start; raises `TrainingError` if nothing fits."""
    limit = limit_bytes(job.recipe)
    bound(limit)
    path = Path(job.work) / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
        if plan.identity == identity:
            return plan
    except (OSError, msgspec.MsgspecError):
        pass
    references = reference_bytes(model, data) if job.recipe.kl_weight and job.resume_adapter else 0
    plan = _made(job.recipe, model, weights, data, identity, limit - references, emit)
    files.write(path, msgspec.json.encode(plan))
    return plan


def bound(limit: int) -> None:
    """Keep MLX within `limit` bytes, its cache within an eighth, and on Metal what is wired within both."""
    mx.set_memory_limit(limit)
    mx.set_cache_limit(min(limit // 8, 2 << 30))
    if mx.metal.is_available():
        mx.set_wired_limit(min(limit, int(mx.device_info()["max_recommended_working_set_size"])))


def limit_bytes(recipe: Recipe) -> int:
    """Return the most memory to train in: the recipe's, or three quarters of the machine's."""
    if recipe.memory_limit_gigabytes:
        return int(recipe.memory_limit_gigabytes * 1e9)
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _SHARE)


def _made(recipe: Recipe, model: Any, weights: Weights, data: Data, identity: str, limit: int, emit: Any) -> Plan:
    if recipe.gradient_checkpointing and not packable(model):
        raise UsageError(
            f"Activations of the architecture {model.model_type} can't be recomputed here.",
            "Set `gradient_checkpointing` to false.",
        )
    shortest = longest(data.examples)
    wanted = max(shortest, recipe.token_budget or min(LARGEST_ROW[on_cpu()], _step_tokens(recipe, data)))
    fixed = recipe.gradient_checkpointing or not packable(model)
    for budget, checkpointing in _choices(wanted, shortest, recipe.gradient_checkpointing, fixed):
        tried = msgspec.structs.replace(recipe, gradient_checkpointing=checkpointing)
        peak = dry_run(Stepper(model, tried, data.examples, budget), weights, budget, data)
        if peak <= limit:
            if (budget, checkpointing) != (wanted, recipe.gradient_checkpointing):
                emit(_lowered(budget, wanted, checkpointing, limit))
            keep = _keeps(recipe, model, data, limit - peak)
            return Plan(
                identity=identity,
                token_budget=budget,
                gradient_checkpointing=checkpointing,
                keep_lower=keep,
                peak_bytes=peak,
            )
    needs = "more than there is" if peak == sys.maxsize else f"{peak / 1e9:.1f} GB"
    raise TrainingError(
        f"One example of {shortest} tokens needs {needs}, and {limit / 1e9:.1f} GB are allowed.",
        "Lower `max_tokens`, quantise the base model (`4bit`), or raise `memory_limit_gigabytes`.",
    )


def reference_bytes(model: Any, data: Data) -> int:
    """Return what stage 1's hidden states at answer positions take, kept for the KL term."""
    answered = sum(sum(data.examples[number].answer) for number in [*data.train, *data.replay])
    return answered * hidden_bytes(model)


def _keeps(recipe: Recipe, model: Any, data: Data, left: int) -> bool:
    """Return whether what leaves the blocks below the adapters is worth keeping, and fits in half of `left`."""
    if recipe.max_epochs == 1 or not packable(model) or not first_trained(model):
        return False
    tokens = sum(len(example.tokens) for example in data.examples)
    return tokens * hidden_bytes(model) <= left // 2


def _step_tokens(recipe: Recipe, data: Data) -> int:
    mean = sum(len(data.examples[number].tokens) for number in data.train) / len(data.train)
    return int(mean * recipe.batch_size * 1.25) + 1


def _choices(wanted: int, shortest: int, checkpointing: bool, fixed: bool) -> list[tuple[int, bool]]:
    budgets = [wanted]
    while budgets[-1] > shortest:
        budgets.append(max(shortest, budgets[-1] // 2))
    choices = [(budget, checkpointing) for budget in budgets]
    return choices if fixed else [*choices, *((budget, True) for budget in budgets)]


def dry_run(stepper: Stepper, weights: Weights, budget: int, data: Data) -> int:
    """Return the peak memory, in bytes, of loss and gradients of the fullest row `budget` allows.

    More than there is, where MLX can't get it.
    """
    chosen, filled = list[int](), 0
    for number in sorted([*data.train, *data.replay], key=lambda item: -len(data.examples[item].tokens)):
        if filled + len(data.examples[number].tokens) <= budget:
            chosen.append(number)
            filled += len(data.examples[number].tokens)
        if len(chosen) >= stepper.recipe.batch_size * stepper.recipe.gradient_accumulation:
            break
    gc.collect()
    mx.clear_cache()
    mx.reset_peak_memory()
    try:
        outcome = stepper.step(chosen, weights, 0)
        mx.eval(outcome.loss, outcome.gradients)
        peak = int(mx.get_peak_memory())
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        peak = sys.maxsize
    mx.clear_cache()
    mx.reset_peak_memory()
    return peak


def _out_of_memory(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or "malloc" in said or "memory" in said


def _lowered(budget: int, wanted: int, checkpointing: bool, limit: int) -> TrainingEvent:
    how = " and activations recomputed" if checkpointing else ""
    message = f"To stay under {limit / 1e9:.1f} GB, rows are {budget} tokens long instead of {wanted}{how}."
    return TrainingEvent(kind="warning", message=message)
