"""One step's mathematics: rows in, loss and gradients out, weighted by tokens over all rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import msgspec
from mlx.utils import tree_unflatten

from pipeline.training.examples import Encoded
from pipeline.training.mlx.adapters import Weights
from pipeline.training.mlx.architecture import Plan, Walk, packable, plan
from pipeline.training.mlx.elementwise import number as as_number
from pipeline.training.mlx.loss import Head, each, total
from pipeline.training.packing import Row, rows
from pipeline.training.recipe import Recipe


class Outcome(msgspec.Struct, frozen=True):
    """A step's mean loss, its gradients, and the rows it went over."""

    loss: mx.array
    gradients: Weights
    rows: tuple[Row, ...]


class Stepper:
    """Computes losses and gradients of `model`'s adapters. `budget` is a row's length in tokens.

    With `keep`, what leaves the blocks below the adapters is computed once an example, each by
    itself, so that it has the same bits whenever that happens, and kept for later epochs.
    """

    def __init__(
        self, model: Any, recipe: Recipe, examples: Sequence[Encoded], budget: int, keep: bool = False
    ) -> None:
        self.model = model
        self.recipe = recipe
        self.examples = examples
        self.budget = budget
        self.kept: dict[int, mx.array] | None = {} if keep else None
        self.head = Head(model)
        self.training = Walk(model, recipe.dropout, recipe.gradient_checkpointing)
        self.quiet = Walk(model)
        self.references: dict[int, mx.array] = {}
        self.gradient = mx.value_and_grad(self._row_loss)

    def layout(self, chosen: Sequence[int]) -> list[Row]:
        """Return the rows that hold the examples numbered `chosen`."""
        share = self.recipe.shared_prefix and not self.recipe.dropout and packable(self.model)
        return rows(self.examples, chosen, self.budget, 1, self.recipe.prompt_loss_weight, share)

    def step(self, chosen: Sequence[int], weights: Weights, number: int) -> Outcome:
        """Return loss and gradients over the examples numbered `chosen`; `number` seeds dropout."""
        laid = self.layout(chosen)
        weight = sum(row.weight for row in laid)
        losses, gradients = [], dict[str, mx.array]()
        mx.random.seed(self.recipe.seed + number)  # for models that draw their own dropout
        for index, row in enumerate(laid):
            key = mx.random.key((self.recipe.seed * 1_000_003 + number * 1009 + index) % 2**63)
            self.model.train()
            loss, part = self.gradient(weights, plan(row), key, self._reference(row), self._start(row))
            gradients = {name: gradients[name] + value for name, value in part.items()} if gradients else part
            losses.append(loss)
            mx.eval(losses, gradients)
        scaled = {name: value * (1.0 / weight) for name, value in gradients.items()}
        return Outcome(sum(losses, mx.array(0.0)) * (1.0 / weight), scaled, tuple(laid))

    def _row_loss(
        self, weights: Weights, planned: Plan, key: mx.array, reference: mx.array | None, start: mx.array | None
    ) -> mx.array:
        self.put(weights)
        hidden = self.training.hidden(planned, key if self.recipe.dropout else None, start)
        targets, weigh = _targets(planned.row)
        return total(self.head, hidden, targets, weigh, reference, self.recipe.kl_weight)

    def put(self, weights: Weights) -> None:
        """Put adapter weights into the model."""
        self.model.update(tree_unflatten(list(weights.items())))

    def validation(self, chosen: Sequence[int], weights: Weights) -> float:
        """Return the mean loss a scored token over the examples, packed the same way each time."""
        self.put(weights)
        self.model.eval()
        summed, weight = 0.0, 0.0
        for row in self.layout(chosen):
            targets, weigh = _targets(row)
            value = (each(self.head, self.quiet.hidden(plan(row), start=self._start(row)), targets) * weigh).sum()
            summed += as_number(value)
            weight += row.weight
        return summed / weight

    def remember(self, chosen: Sequence[int], weights: Weights) -> None:
        """Keep the hidden states these weights give at scored positions: the reference of the KL term."""
        self.put(weights)
        self.model.eval()
        for number in chosen:
            row = self._alone(number)
            self.references[number] = self.quiet.hidden(plan(row), start=self._start(row))
            mx.eval(self.references[number])

    def _alone(self, number: int) -> Row:
        from pipeline.training.packing import pack

        return pack([(number, self.examples[number])], self.recipe.prompt_loss_weight, share=False)

    def _start(self, row: Row) -> mx.array | None:
        if self.kept is None:
            return None
        for number in row.examples:
            if number not in self.kept:
                self.kept[number] = self.quiet.below(plan(self._alone(number)))
                mx.eval(self.kept[number])
        parts = [
            self.kept[row.examples[part.source]][part.position : part.position + part.stop - part.start]
            for part in row.segments
        ]
        return mx.concatenate(parts)

    def _reference(self, row: Row) -> mx.array | None:
        if not self.references:
            return None
        place: dict[int, int] = {}
        parts = []
        for score in row.scores:
            index = place.get(score.example, 0)
            parts.append(self.references[score.example][index])
            place[score.example] = index + 1
        return mx.stack(parts)


def _targets(row: Row) -> tuple[mx.array, mx.array]:
    targets = mx.array([score.target for score in row.scores], dtype=mx.int32)
    return targets, mx.array([score.weight for score in row.scores], dtype=mx.float32)
