"""Cross-entropy at scored positions.

Fused: logits of a chunk of positions at a time, with their gradient, because the head is frozen;
memory is one chunk and no logits are kept. Plain: the logits of every position, as it is usually done.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy

CHUNK = 1024  # positions; 1,024 x 32,000 logits are 131 MB in float32


def total(
    head: torch.nn.Module, hidden: torch.Tensor, scored: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor,
    fused: bool,
) -> torch.Tensor:  # fmt: skip
    """Return the weighted sum of the cross-entropy, in nats.

    Shapes: hidden [rows, length, d]; scored, targets, weights [n], scored in the flattened rows.
    """
    flat = hidden.flatten(0, 1)
    if fused:
        weight: Any = head.weight
        if not torch.is_grad_enabled():
            return _summed(flat[scored], weight, targets, weights)
        return _Fused.apply(flat[scored], weight, targets, weights)
    logits = head(flat).float()
    return (cross_entropy(logits[scored], targets, reduction="none") * weights).sum()


def _logits(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return (x.to(weight.dtype) @ weight.T).float()


def _summed(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    parts = [
        (cross_entropy(_logits(x, weight), chosen, reduction="none") * weigh).sum()
        for x, chosen, weigh in _chunks(hidden, targets, weights)
    ]
    return torch.stack(parts).sum() if parts else hidden.new_zeros(())


def _chunks(*tensors: torch.Tensor) -> Any:
    return zip(*(tensor.split(CHUNK) for tensor in tensors), strict=True)


class _Fused(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        slopes = []
        summed = torch.zeros((), dtype=torch.float32, device=hidden.device)
        for x, chosen, weigh in _chunks(hidden, targets, weights):
            logits = _logits(x, weight)
            level = logits.logsumexp(dim=-1)
            at = torch.arange(len(chosen), device=chosen.device)
            summed += (weigh * (level - logits[at, chosen])).sum()
            slope = logits.sub_(level[:, None]).exp_().mul_(weigh[:, None])
            slope[at, chosen] -= weigh
            with torch.autocast(x.device.type, enabled=False):
                slopes.append((slope.to(weight.dtype) @ weight).to(hidden.dtype))
        ctx.save_for_backward(torch.cat(slopes) if slopes else hidden)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (slope,) = ctx.saved_tensors
        return slope * gradients[0].to(slope.dtype), None, None, None
