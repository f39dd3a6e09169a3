"""Examples laid into rows, and what of them is scored, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec
import torch

from pipeline.remote.recipe import Recipe
from pipeline.training.examples import Encoded
from pipeline.training.packing import distribute


class Row(msgspec.Struct, frozen=True):
    """Examples computed together, by number. `packed`: one after another; otherwise padded to the longest."""

    examples: tuple[int, ...]
    packed: bool
    weight: float
    tokens: int


class Batch(msgspec.Struct, frozen=True):
    """A row as tensors: `tokens` and `positions` [rows, length]; `scored`, `targets` and `weights` [scored].

    `scored` are places in the flattened row whose next token is `targets`, counting `weights`.
    `kwargs` is what attention must know.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    scored: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    kwargs: dict[str, Any]


def layout(examples: Sequence[Encoded], chosen: Sequence[int], recipe: Recipe, fewest: int = 1) -> list[Row]:
    """Return the rows of a step over `chosen`: the same for any number of devices up to `fewest` rows.

    Fewer rows than devices are laid out again as `fewest`, so that each device gets one.
    """
    if not recipe.packing:
        ordered = list(chosen)
        parts = [ordered[at : at + recipe.batch_size] for at in range(0, len(ordered), recipe.batch_size)]
    else:
        lengths = {number: len(examples[number].tokens) for number in chosen}
        budget = recipe.token_budget or recipe.batch_size * recipe.max_tokens
        parts = distribute(list(chosen), lengths, budget, 1)
        if len(parts) < fewest:
            parts = distribute(list(chosen), lengths, budget, fewest)
    return [_row(examples, part, recipe) for part in parts]


def _row(examples: Sequence[Encoded], part: list[int], recipe: Recipe) -> Row:
    weight = sum(sum(_weights(examples[number], recipe.prompt_loss_weight)) for number in part)
    return Row(tuple(part), recipe.packing, weight, sum(len(examples[number].tokens) for number in part))


def batch(examples: Sequence[Encoded], row: Row, recipe: Recipe, device: torch.device) -> Batch:
    """Return the row's tensors on `device`."""
    chosen = [examples[number] for number in row.examples]
    lengths = tuple(len(example.tokens) for example in chosen)
    width = sum(lengths) if row.packed else max(lengths)
    starts = [0, *accumulate(lengths)][:-1] if row.packed else [width * place for place in range(len(chosen))]
    tokens = torch.zeros(width if row.packed else width * len(chosen), dtype=torch.long)
    positions = torch.zeros_like(tokens) if row.packed else torch.arange(width).repeat(len(chosen))
    scored: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    for start, example in zip(starts, chosen, strict=True):
        count = len(example.tokens)
        tokens[start : start + count] = torch.tensor(example.tokens)
        positions[start : start + count] = torch.arange(count)
        for at, weight in enumerate(_weights(example, recipe.prompt_loss_weight)):
            if weight:
                scored.append(start + at)
                targets.append(example.tokens[at + 1])
                weights.append(weight)
    bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
    return Batch(
        tokens.view(-1, width).to(device),
        positions.view(-1, width).to(device),
        torch.tensor(scored, device=device),
        torch.tensor(targets, device=device),
        torch.tensor(weights, device=device),
        {"lengths": lengths, "bounds": bounds} if row.packed else {},
    )


def _weights(example: Encoded, prompt_weight: float) -> list[float]:
    """Return the weight of predicting each token but the first, at the place before it."""
    return [1.0 if answer else prompt_weight for answer in example.answer[1:]]
