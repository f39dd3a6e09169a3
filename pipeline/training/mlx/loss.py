"""The loss at scored positions, a chunk of the vocabulary projection at a time.

The head is frozen, so the gradient towards the hidden states is computed together with the loss
and no logits are kept: memory is one chunk, and the projection runs twice, not three times.
"""

from __future__ import annotations

from typing import Any, cast

import mlx.core as mx
from mlx import nn

from pipeline.training.mlx.elementwise import exponential, on_cpu

CHUNK = 64  # positions; 64 x 100,000 logits are 26 MB in float32


class Head:
    """A model's vocabulary projection, both ways, whether tied, quantised or neither."""

    def __init__(self, model: Any) -> None:
        self.module = model.lm_head if "lm_head" in model else model.model.embed_tokens
        self.tied = "lm_head" not in model

    def logits(self, hidden: mx.array) -> mx.array:
        """Return float32 logits [positions, vocabulary] of hidden states [positions, hidden]."""
        result = self.module.as_linear(hidden) if self.tied else self.module(hidden)
        return cast(mx.array, result.astype(mx.float32))

    def back(self, gradient: mx.array, like: mx.array) -> mx.array:
        """Return the gradient towards the hidden states from the one towards the logits."""
        module = self.module
        if isinstance(module, (nn.QuantizedLinear, nn.QuantizedEmbedding)):
            return mx.quantized_matmul(
                gradient.astype(like.dtype),
                module.weight,
                module.scales,
                module.get("biases"),
                transpose=False,
                group_size=module.group_size,
                bits=module.bits,
                mode=module.mode,
            ).astype(like.dtype)
        return cast(mx.array, gradient.astype(like.dtype) @ module.weight)


def total(
    head: Head,
    hidden: mx.array,
    targets: mx.array,
    weights: mx.array,
    reference: mx.array | None = None,
    kl_weight: float = 0.0,
) -> mx.array:
    """Return the weighted sum of the cross-entropy, in nats, with its gradient towards `hidden`.

    `reference` holds another model's hidden states at the same positions: `kl_weight` times the
    divergence from its answers is added. Shapes: hidden [n, d], targets and weights [n].
    """

    @mx.custom_function
    def computed(hidden: mx.array) -> tuple[mx.array, mx.array]:
        sums: list[mx.array] = []
        gradients: list[mx.array] = []
        for start in range(0, hidden.shape[0], CHUNK):
            part = slice(start, start + CHUNK)
            x = mx.depends([hidden[part]], [*sums[-1:], *gradients[-1:]])[0]
            other = None if reference is None else reference[part]
            value, slope = _chunk(head, x, targets[part], weights[part], other, kl_weight)
            sums.append(value)
            gradients.append(slope)
        return mx.stack(sums).sum(), mx.concatenate(gradients)

    @computed.vjp
    def computed_vjp(primals: Any, cotangents: Any, outputs: Any) -> mx.array:
        return cast(mx.array, cotangents[0].astype(outputs[1].dtype) * outputs[1])

    outputs: Any = computed(hidden)
    return cast(mx.array, outputs[0])


def each(head: Head, hidden: mx.array, targets: mx.array) -> mx.array:
    """Return the cross-entropy of every position, [n], without gradient."""
    parts: list[mx.array] = []
    for start in range(0, hidden.shape[0], CHUNK):
        x = mx.depends([hidden[start : start + CHUNK]], parts[-1:])[0]
        logits, largest, _, total = _softmax(head, x)
        chosen = mx.take_along_axis(logits, targets[start : start + CHUNK, None], axis=1)
        parts.append((mx.log(total) + largest - chosen)[:, 0])
    return mx.concatenate(parts)


def _chunk(
    head: Head, x: mx.array, targets: mx.array, weights: mx.array, other: mx.array | None, kl_weight: float
) -> tuple[mx.array, mx.array]:
    logits, largest, powers, summed = _softmax(head, x)
    level = mx.log(summed) + largest
    value = (weights[:, None] * (level - mx.take_along_axis(logits, targets[:, None], axis=1))).sum()
    share = weights[:, None] / summed
    if other is not None:
        share = share * (1.0 + kl_weight)
    slope = powers * share
    slope = slope.at[mx.arange(targets.size), targets].add(-weights)
    if other is not None:
        other_logits, other_largest, other_powers, other_summed = _softmax(head, other)
        likely = other_powers / other_summed
        apart = (likely * (other_logits - logits)).sum(axis=1, keepdims=True)
        apart = apart + level - mx.log(other_summed) - other_largest
        value = value + kl_weight * (weights[:, None] * apart).sum()
        slope = slope - (kl_weight * weights[:, None]) * likely
    return value, head.back(slope, x)


def _softmax(head: Head, x: mx.array) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """Return logits, their largest, e**(logits - largest) and its sum; the last three [n, 1] but powers."""
    logits = head.logits(x)
    largest = logits.max(axis=-1, keepdims=True)
    powers = exponential(logits - largest) if on_cpu() else mx.exp(logits - largest)
    return logits, largest, powers, powers.sum(axis=-1, keepdims=True)
