"""Attention inside each example of a row, and never across: no mask is built, nothing padded."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from pipeline.remote.worker.errors import WorkerError

NAME = "fixsmith_rows"
_KERNEL_HEAD = 256  # largest head dimension the varlen kernel takes


def register() -> None:
    """Make the attention known to transformers under `NAME`."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    lengths: tuple[int, ...] | None = None,
    bounds: torch.Tensor | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Return causal attention, [batch, tokens, heads, head dimension].

    query is [batch, heads, tokens, head dimension], key and value may have fewer heads. With
    `lengths` the (one) row holds examples of those lengths, and `bounds` (int32) their starts and
    the end; without, each row is one example with padding after it, which causality hides.
    """
    if sliding_window and max(lengths or (query.shape[2],)) > sliding_window:
        raise WorkerError(
            f"Examples are longer than the model's attention window of {sliding_window} tokens.", "Lower `max_tokens`."
        )
    grouped = query.shape[1] != key.shape[1]
    query, key = query.to(value.dtype), key.to(value.dtype)
    if lengths is None:
        out = scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling, enable_gqa=grouped)
        return out.transpose(1, 2), None
    if bounds is not None and _kernel_takes(query):
        from torch.nn.attention.varlen import varlen_attn

        flat = [part[0].transpose(0, 1).contiguous() for part in (query, key, value)]
        longest = max(lengths)
        packed = varlen_attn(
            *flat, bounds, bounds, longest, longest, scale=scaling, window_size=(-1, 0), enable_gqa=grouped
        )
        return packed.unsqueeze(0), None
    parts = zip(*(part.split(list(lengths), dim=2) for part in (query, key, value)), strict=True)
    outs = [
        scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=grouped) for q, k, v in parts
    ]
    return torch.cat(outs, dim=2).transpose(1, 2), None


def _kernel_takes(query: torch.Tensor) -> bool:
    return query.is_cuda and query.dtype in {torch.bfloat16, torch.float16} and query.shape[-1] <= _KERNEL_HEAD
