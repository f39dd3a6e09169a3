"""mlx-lm's blocks, walked over a packed row: OLMo-2, OLMo-3, the Llama family, Qwen 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import mlx.core as mx
import msgspec
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm.models.rope_utils import DynamicNTKScalingRoPE
from mlx_lm.tuner.dora import DoRALinear
from mlx_lm.tuner.lora import LoRALinear

from config.errors import InputRefused
from pipeline.training.examples import Encoded
from pipeline.training.mlx import elementwise
from pipeline.training.mlx.attention import Run, all_runs, attend, runs_at
from pipeline.training.mlx.elementwise import number as as_number
from pipeline.training.mlx.loss import Head
from pipeline.training.packing import Row

PACKED = ("llama", "mistral", "olmo2", "olmo3", "qwen2", "qwen3")
_PROBE = 16  # tokens
_SAME = 1e-3  # of the largest logit: the same products of the same numbers


class Plan(msgspec.Struct, frozen=True):
    """Where a row's computation goes: `everywhere`, and `asked`, the positions whose output counts."""

    row: Row
    everywhere: tuple[Run, ...]
    asked: tuple[int, ...]
    last: tuple[Run, ...]
    among_asked: mx.array


def plan(row: Row) -> Plan:
    """Return the plan of a row: in the last block only scored positions ask."""
    asked = sorted({score.position for score in row.scores})
    place = {position: index for index, position in enumerate(asked)}
    among = mx.array([place[score.position] for score in row.scores], dtype=mx.int32)
    return Plan(row, all_runs(row), tuple(asked), runs_at(row, asked), among)


def first_trained(model: Any) -> int:
    """Return the number of the lowest block with an adapter, or 0 without any."""
    trained = (number for number, layer in enumerate(model.layers) if tree_flatten(layer.trainable_parameters()))
    return next(trained, 0)


def packable(model: Any) -> bool:
    """Return whether the model's blocks are walked here; others compute one example at a time.

    So do rotary positions that depend on the length of what is given (`dynamic`): a part of an example
    would get others than the whole.
    """
    if model.model_type not in PACKED:
        return False
    return not any(isinstance(layer.self_attn.rope, DynamicNTKScalingRoPE) for layer in model.layers)


def check(model: Any, examples: Sequence[Encoded]) -> None:
    """Raise `InputRefused` for an architecture whose logits aren't those of `Head` over its hidden states."""
    tokens = mx.array(examples[0].tokens[:_PROBE], dtype=mx.int32)[None]
    try:
        found, wanted = Head(model).logits(_hidden_states(model, tokens)), model(tokens).astype(mx.float32)
        apart = mx.abs(found - wanted).max() / mx.maximum(mx.abs(wanted).max(), 1e-9)
    except (AttributeError, TypeError, ValueError):
        apart = mx.array(1.0)
    if as_number(apart) > _SAME:
        raise InputRefused(
            f"Models of the architecture {model.model_type} can't be trained: their logits are no plain product.",
            f"Choose one of {', '.join(PACKED)}, or another that mlx-lm builds like these.",
        )


def _hidden_states(model: Any, tokens: mx.array) -> mx.array:
    """Return the final hidden states of [1, tokens]; not every model has a default for the cache."""
    return cast(mx.array, model.model(tokens, None))


def hidden_bytes(model: Any) -> int:
    """Return what the final hidden state of one token takes."""
    hidden = _hidden_states(model, mx.array([[0]]))
    return int(hidden.shape[-1] * hidden.dtype.size)


class Walk:
    """The forward pass of `model` over packed rows. `dropout` is the adapters' rate in training."""

    def __init__(self, model: Any, dropout: float = 0.0, checkpointing: bool = False) -> None:
        self.model = model
        self.dropout = dropout
        self.checkpointing = checkpointing
        self.gated = elementwise.gated()
        self.first = first_trained(model)

    def hidden(self, plan: Plan, key: mx.array | None = None, start: mx.array | None = None) -> mx.array:
        """Return the final hidden states at the scored positions, [scores, hidden].

        `start` is what `below` gives for the row, where it is known already.
        """
        if not packable(self.model):
            return self._one_by_one(plan)
        inner, skipped = self.model.model, 0 if start is None else self.first
        x = inner.embed_tokens(mx.array(plan.row.tokens, dtype=mx.int32)) if start is None else start
        layers = inner.layers
        keys = mx.random.split(key, len(layers)) if key is not None and self.dropout else None
        for number in range(skipped, len(layers)):
            last = number + 1 == len(layers)
            runs = plan.last if last else plan.everywhere
            asked = mx.array(plan.asked, dtype=mx.int32) if last else None
            own_key = None if keys is None else keys[number]
            x = self._block(layers[number], x, plan.row, runs, asked, self._window(number), own_key)
        return cast(mx.array, inner.norm(x)[plan.among_asked])

    def below(self, plan: Plan) -> mx.array:
        """Return what enters the first block with an adapter, [tokens, hidden]: the same in every epoch."""
        inner = self.model.model
        x = inner.embed_tokens(mx.array(plan.row.tokens, dtype=mx.int32))
        for number in range(self.first):
            window = self._window(number)
            x = self._compute(inner.layers[number], x, plan.row, plan.everywhere, None, window, _keys(None))
        return cast(mx.array, x)

    def _one_by_one(self, plan: Plan) -> mx.array:
        """Compute each example as mlx-lm trains it: without its last token, which predicts nothing."""
        outputs, places, before = [], [], 0
        for number, part in enumerate(plan.row.segments):
            tokens = mx.array(plan.row.tokens[part.start : part.stop - 1], dtype=mx.int32)
            outputs.append(_hidden_states(self.model, tokens[None])[0])
            asked = [position for position in plan.asked[before:] if position < part.stop]
            places += [position - number for position in asked]
            before += len(asked)
        return mx.concatenate(outputs)[mx.array(places, dtype=mx.int32)][plan.among_asked]

    def _window(self, number: int) -> int | None:
        kinds = getattr(self.model.model, "layer_types", None)
        sliding = kinds is not None and kinds[number] == "sliding_attention"
        return int(self.model.model.sliding_window) if sliding else None

    def _block(
        self,
        layer: Any,
        x: mx.array,
        row: Row,
        runs: tuple[Run, ...],
        asked: mx.array | None,
        window: int | None,
        key: mx.array | None,
    ) -> mx.array:
        def compute(weights: dict[str, mx.array], x: mx.array) -> mx.array:
            if weights:
                layer.update(tree_unflatten(list(weights.items())))
            return self._compute(layer, x, row, runs, asked, window, _keys(key))

        if not self.checkpointing:
            return compute({}, x)
        weights = dict(tree_flatten(layer.trainable_parameters()))
        return mx.checkpoint(compute)(weights, x)

    def _compute(
        self,
        layer: Any,
        x: mx.array,
        row: Row,
        runs: tuple[Run, ...],
        asked: mx.array | None,
        window: int | None,
        keys: Iterator[mx.array | None],
    ) -> mx.array:
        before = getattr(layer, "input_layernorm", None)
        mixed = self._attention(layer.self_attn, before(x) if before else x, row, runs, asked, window, keys)
        x = x if asked is None else x[asked]
        if before:
            x = x + mixed
            return x + self._mlp(layer.mlp, layer.post_attention_layernorm(x), keys)
        x = x + layer.post_attention_layernorm(mixed)
        return cast(mx.array, x + layer.post_feedforward_layernorm(self._mlp(layer.mlp, x, keys)))

    def _attention(
        self,
        attention: Any,
        x: mx.array,
        row: Row,
        runs: tuple[Run, ...],
        asked: mx.array | None,
        window: int | None,
        keys: Iterator[mx.array | None],
    ) -> mx.array:
        queries = self.project(attention.q_proj, x if asked is None else x[asked], next(keys))
        key_rows = self.project(attention.k_proj, x, next(keys))
        values = self.project(attention.v_proj, x, next(keys))
        heads = attention.n_heads if hasattr(attention, "n_heads") else attention.num_attention_heads
        size = queries.shape[-1] // heads
        if "q_norm" in attention:
            queries, key_rows = _normed(attention.q_norm, queries), _normed(attention.k_norm, key_rows)
        mixed = attend(
            _heads(queries, size),
            _heads(key_rows, size),
            _heads(values, size),
            row,
            runs,
            attention.rope,
            attention.scale,
            window,
        )
        mixed = mixed[0].transpose(1, 0, 2).reshape(queries.shape[0], -1)
        return self.project(attention.o_proj, mixed, next(keys))

    def _mlp(self, mlp: Any, x: mx.array, keys: Iterator[mx.array | None]) -> mx.array:
        gate, up = self.project(mlp.gate_proj, x, next(keys)), self.project(mlp.up_proj, x, next(keys))
        return self.project(mlp.down_proj, self.gated(gate, up), next(keys))

    def project(self, module: Any, x: mx.array, key: mx.array | None) -> mx.array:
        """Return `module(x)` for a linear layer with or without adapter, dropout drawn from `key`."""
        if isinstance(module, LoRALinear):
            return _lora(module, x, self._dropped(x, key))
        if isinstance(module, DoRALinear):
            return _dora(module, x, self._dropped(x, key))
        return cast(mx.array, module(x))

    def _dropped(self, x: mx.array, key: mx.array | None) -> mx.array:
        if key is None or not self.dropout:
            return x
        keep = 1.0 - self.dropout
        return x * (mx.random.bernoulli(keep, x.shape, key=key).astype(x.dtype) * (1.0 / keep))


def _keys(key: mx.array | None) -> Iterator[mx.array | None]:
    """Yield a random key for each of a block's seven linear layers."""
    for number in range(7):
        yield None if key is None else mx.random.split(key, 7)[number]


def _normed(norm: Any, x: mx.array) -> mx.array:
    """Return `norm` of a row as a whole (OLMo), or of each head by itself (Qwen 3): as wide as its weight."""
    width = norm.weight.size
    return cast(mx.array, norm(x if width == x.shape[-1] else x.reshape(-1, width)).reshape(x.shape))


def _heads(x: mx.array, size: int) -> mx.array:
    return x.reshape(1, x.shape[0], -1, size).transpose(0, 2, 1, 3)


def _lora(module: LoRALinear, x: mx.array, dropped: mx.array) -> mx.array:
    y = module.linear(x)
    low = dropped @ module.lora_a
    if y.dtype == low.dtype:
        return mx.addmm(y, low, module.lora_b, alpha=module.scale)
    return cast(mx.array, y + (module.scale * (low @ module.lora_b)).astype(y.dtype))


def _dora(module: DoRALinear, x: mx.array, dropped: mx.array) -> mx.array:
    weight = module._dequantized_weight()
    y = x @ weight.T + (module.scale * ((dropped @ module.lora_a) @ module.lora_b)).astype(x.dtype)
    adapted = weight + (module.scale * module.lora_b.T) @ module.lora_a.T
    norm = mx.stop_gradient(mx.linalg.norm(adapted, axis=1))
    y = (module.m / norm).astype(x.dtype) * y
    return cast(mx.array, y + module.linear.bias if "bias" in module.linear else y)


def frozen_linear(module: Any) -> nn.Module:
    """Return the base linear layer under an adapter, or the layer itself."""
    return module.linear if isinstance(module, (LoRALinear, DoRALinear)) else module
