"""One step's mathematics: rows in, loss and gradients out, weighted by tokens over all rows and devices."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec
import torch

from pipeline.remote.recipe import Recipe
from pipeline.remote.worker import loss
from pipeline.remote.worker.devices import Devices
from pipeline.remote.worker.rows import Row, batch, layout
from pipeline.training.examples import Encoded


class Outcome(msgspec.Struct, frozen=True):
    """A step's mean loss over all devices, and the real tokens it went over."""

    loss: float
    tokens: int


class Stepper:
    """Computes losses and gradients of `model`'s adapter; each device takes its share of the rows."""

    def __init__(self, model: Any, recipe: Recipe, examples: Sequence[Encoded], devices: Devices) -> None:
        self.model, self.recipe, self.examples, self.devices = model, recipe, examples, devices
        inner = model.get_base_model()
        self.decoder, self.head = inner.get_decoder(), inner.get_output_embeddings()
        self.parameters = [value for _, value in sorted(model.named_parameters()) if value.requires_grad]

    def step(self, chosen: Sequence[int], number: int) -> Outcome:
        """Leave the gradients over `chosen` in the parameters and return the loss; `number` seeds dropout."""
        self.model.train()
        laid = layout(self.examples, chosen, self.recipe, self.devices.count)
        weight = sum(row.weight for row in laid)
        for parameter in self.parameters:
            parameter.grad = None
        summed = 0.0
        for index, row in self._mine(laid):
            torch.manual_seed((self.recipe.seed * 1_000_003 + number * 1009 + index) % 2**63)
            value = self._row(row) * (1.0 / weight)
            if index >= len(laid):
                value = value * 0.0
            value.backward()
            summed += float(value.detach())
        self.devices.sum_gradients(self.parameters)
        return Outcome(self.devices.sum([summed])[0], sum(row.tokens for row in laid))

    def validation(self, chosen: Sequence[int]) -> float:
        """Return the mean loss a scored token over the examples, laid out the same way each time."""
        self.model.eval()
        summed, weight = 0.0, 0.0
        size = self.recipe.batch_size
        laid = [
            row
            for at in range(0, len(chosen), size)
            for row in layout(self.examples, chosen[at : at + size], self.recipe)
        ]
        with torch.no_grad():
            for index, row in self._mine(laid):
                if index < len(laid):
                    summed, weight = summed + float(self._row(row)), weight + row.weight
                elif self.recipe.parallel == "fsdp":
                    self._row(row)
        summed, weight = self.devices.sum([summed, weight])
        return summed / weight

    def _mine(self, laid: list[Row]) -> list[tuple[int, Row]]:
        """Return this device's rows with their numbers; a number past the end only keeps step with the others."""
        count = -(-len(laid) // self.devices.count)
        numbers = [turn * self.devices.count + self.devices.rank for turn in range(count)]
        if self.recipe.parallel == "data":
            numbers = [number for number in numbers if number < len(laid)]
        return [(number, laid[number % len(laid)]) for number in numbers]

    def _row(self, row: Row) -> torch.Tensor:
        made = batch(self.examples, row, self.recipe, self.devices.device)
        with self._precision():
            hidden = self.decoder(
                input_ids=made.tokens, position_ids=made.positions, use_cache=False, **made.kwargs
            ).last_hidden_state
            return loss.total(self.head, hidden, made.scored, made.targets, made.weights, self.recipe.fused_loss)

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self.recipe.precision == "f32":
            return contextlib.nullcontext()
        context: contextlib.AbstractContextManager[Any] = torch.autocast(self.devices.device.type, torch.bfloat16)
        return context
