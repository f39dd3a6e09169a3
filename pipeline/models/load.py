"""Load a model with its tokenizer and adapter, and answer with it. Imports MLX: for child processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from config.errors import InputRefused
from pipeline.models import blas, chat
from pipeline.models.turns import turned

Stop = Callable[[str], bool]
GROUP_SIZES = (64, 32)


def load(folder: Path, adapter: Path | None = None, quantization: str = "none") -> tuple[Any, Any]:
    """Return (model, tokenizer) of a model folder, with an adapter's layers if one is given.

    On a CPU weights become float32, ten times faster there than half precision. An adapter that
    was trained on a quantised base gets the same base. Raises `InputRefused` with what is wrong.
    """
    blas.load()
    import mlx.core as mx
    from mlx_lm.utils import load_model, load_tokenizer

    config, about = checked_config(folder), adapter_config(adapter) if adapter else {}
    try:
        model, _ = load_model(folder, lazy=True, model_config=config)
        tokenizer = turned(load_tokenizer(folder, eos_token_ids=config.get("eos_token_id")))
        if mx.default_device() == mx.Device(mx.cpu):
            model.set_dtype(mx.float32)
        quantize(model, about.get("fixsmith", {}).get("quantization", quantization))
        mx.eval(model.parameters())
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        raise InputRefused(f"The model in {folder} can't be loaded: {error}", "Choose another model.") from error
    if adapter:
        add(model, adapter)
    model.eval()
    mx.eval(model.parameters())
    return model, tokenizer


def checked_config(folder: Path) -> dict[str, Any]:
    """Return what mlx-lm must be told beside `config.json`, after looking for three known traps.

    transformers 5 moves `rope_theta` into `rope_parameters`, where mlx-lm's OLMo-2 doesn't look and
    silently takes another base; a missing `tie_word_embeddings` is read as true; and what ends a turn
    may stand in `generation_config.json` alone.
    """
    try:
        config: dict[str, Any] = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputRefused(f"{folder / 'config.json'} is damaged: {error}.", "Fetch the model again.") from error
    if (stops := _stops(folder)) is not None:
        config["eos_token_id"] = stops
    rope = config.get("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    if "rope_theta" not in config:
        if "rope_theta" not in rope:
            raise InputRefused(f"{folder / 'config.json'} doesn't say `rope_theta`.", "Add it to config.json.")
        config["rope_theta"] = rope["rope_theta"]
    if not config.get("rope_scaling") and rope.get("rope_type", "default") != "default":
        config["rope_scaling"] = rope
    if "tie_word_embeddings" not in config:
        config["tie_word_embeddings"] = not _has_head(folder)
    return dict(config)


def _stops(folder: Path) -> Any:
    """Return the tokens that end generation by `generation_config.json`: a number, several, or None."""
    try:
        return json.loads((folder / "generation_config.json").read_text(encoding="utf-8")).get("eos_token_id")
    except (OSError, ValueError, AttributeError):
        return None


def _has_head(folder: Path) -> bool:
    from safetensors import safe_open

    for file in folder.glob("model*.safetensors"):
        with safe_open(str(file), framework="numpy") as weights:
            if any(name.startswith("lm_head.") for name in weights.keys()):  # noqa: SIM118
                return True
    return False


def adapter_config(adapter: Path) -> dict[str, Any]:
    """Return an adapter folder's `adapter_config.json`."""
    try:
        return dict(json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputRefused(f"{adapter} holds no adapter.", "Repeat the training stage.") from error


def add(model: Any, adapter: Path) -> None:
    """Put an adapter's layers into a model; raises `InputRefused` when a part of it has no place there."""
    from mlx_lm.tuner.utils import load_adapters

    try:
        load_adapters(model, str(adapter))
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise InputRefused(f"The adapter in {adapter} doesn't fit this model: {said}", "Train it again.") from error


def quantize(model: Any, quantization: str) -> None:
    """Quantise the blocks' linear layers (`4bit`, `8bit`; `none` does nothing), where sizes allow it."""
    if quantization == "none":
        return
    import mlx.core as mx
    from mlx import nn

    def predicate(_: str, module: Any) -> bool | dict[str, Any]:
        if not isinstance(module, nn.Linear):
            return False
        fitting = [size for size in GROUP_SIZES if module.weight.shape[-1] % size == 0]
        return {"group_size": fitting[0], "bits": int(quantization[0]), "mode": "affine"} if fitting else False

    for layer in model.layers:
        nn.quantize(layer, class_predicate=predicate)
    mx.eval(model.parameters())


def answers(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[chat.Message]],
    max_tokens: int,
    stop: Stop | None = None,
    batch_size: int = 8,
) -> list[str]:
    """Return the greedy answer to every conversation, in order; `stop(text)` ends one early."""
    asked = [chat.tokens(tokenizer, messages, ask=True) for messages in prompts]
    order = sorted(range(len(asked)), key=lambda number: len(asked[number]))
    result = [""] * len(asked)
    for start in range(0, len(order), batch_size):
        part = order[start : start + batch_size]
        for number, text in zip(
            part, _batch(model, tokenizer, [asked[n] for n in part], max_tokens, stop), strict=True
        ):
            result[number] = text
    return result


def _batch(model: Any, tokenizer: Any, prompts: list[list[int]], max_tokens: int, stop: Stop | None) -> list[str]:
    from mlx_lm.generate import BatchGenerator

    generator = BatchGenerator(model, max_tokens=max_tokens, stop_tokens=[[t] for t in tokenizer.eos_token_ids])
    numbers = {uid: index for index, uid in enumerate(generator.insert(prompts))}
    written: list[list[int]] = [[] for _ in prompts]
    while numbers:
        for response in _responses(generator.next()):
            index = numbers.get(response.uid)
            if index is None:
                continue
            if response.finish_reason != "stop":
                written[index].append(int(response.token))
            text = tokenizer.decode(written[index], skip_special_tokens=True)
            if response.finish_reason is not None:
                del numbers[response.uid]
            elif stop is not None and stop(text):
                del numbers[response.uid]
                generator.remove([response.uid])
    return [tokenizer.decode(tokens, skip_special_tokens=True) for tokens in written]


def _responses(answer: Any) -> list[Any]:
    """mlx-lm's batch generator returns (prompt, generation) responses, or only the latter."""
    return list(answer[1]) if isinstance(answer, tuple) else list(answer)


def first_object_closed(text: str) -> bool:
    """Return whether the first JSON object in `text` is complete: a stop for `answers`."""
    start = text.find("{")
    if start < 0:
        return False
    try:
        json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return False
    return True


def answer_losses(model: Any, tokenizer: Any, conversations: Sequence[Sequence[chat.Message]]) -> list[list[float]]:
    """Return, per conversation, the loss in nats of every answer token, in order."""
    import mlx.core as mx

    from pipeline.training.examples import encode
    from pipeline.training.mlx.architecture import Walk, plan
    from pipeline.training.mlx.loss import Head, each
    from pipeline.training.packing import pack

    walk, head, result = Walk(model), Head(model), []
    for number, messages in enumerate(conversations):
        row = pack([(number, encode(str(number), messages, tokenizer))], 0.0, share=False)
        targets = mx.array([score.target for score in row.scores], dtype=mx.int32)
        losses: Any = each(head, walk.hidden(plan(row)), targets).tolist()
        result.append([float(value) for value in losses])
    return result
