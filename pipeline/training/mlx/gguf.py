"""A fused model as one GGUF file, for llama.cpp: `python -m pipeline.training.mlx.gguf --model DIR --output FILE`.

Only what is known to mean the same there is written: Llama and OLMo-2 without scaled rotary positions, with a
byte-level BPE tokenizer whose way of splitting text llama.cpp has a name for. Anything else is refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, cast

import mlx.core as mx

from config.errors import Error
from pipeline.training.mlx.elementwise import number

SHARED = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
BLOCKS = {
    "llama": SHARED | {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"},
    "olmo2": SHARED
    | {
        "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm",
        "post_attention_layernorm": "post_attention_norm",
        "post_feedforward_layernorm": "post_ffw_norm",
    },
}
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
GPT4 = _WORDS + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
NORMAL, CONTROL, USER, UNUSED = 1, 3, 4, 5
ROUNDING = 1e-3  # of a float16, relative


class NoGguf(Error):
    """The model can't be written so that llama.cpp would answer alike."""

    def __init__(self, why: str) -> None:
        super().__init__(f"It can't become GGUF: {why}.", "Llama and OLMo-2 can; use the fused form.")


def write(model: Path, output: Path) -> None:
    """Write the fused model of a folder into the file `output`, and read it again; raise NoGguf where it can't be."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    weights: dict[str, mx.array] = {}
    for path in sorted(model.glob("*.safetensors")):
        weights |= cast(dict[str, mx.array], mx.load(str(path)))
    metadata = _architecture(config) | _vocabulary(model, len(weights["model.embed_tokens.weight"]))
    tensors = {_name(name, config["model_type"]): _stored(name, value, config) for name, value in weights.items()}
    if config["model_type"] == "olmo2":
        tensors.setdefault("output.weight", tensors["token_embd.weight"])
    temporary = output.with_name(f".{output.name}.gguf")
    mx.save_gguf(str(temporary), tensors, metadata)
    _same(temporary, tensors)
    temporary.replace(output)


def _architecture(config: dict[str, Any]) -> dict[str, Any]:
    kind, rope = config["model_type"], config.get("rope_parameters") or config.get("rope_scaling") or {}
    if kind not in BLOCKS:
        raise NoGguf(f"its architecture is {kind}")
    if config.get("quantization"):
        raise NoGguf("its weights are quantised")
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        raise NoGguf("its rotary positions are scaled")
    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    counts = {
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "block_count": config["num_hidden_layers"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": heads,
        "attention.head_count_kv": config.get("num_key_value_heads") or heads,
        "attention.key_length": width,
        "attention.value_length": width,
        "rope.dimension_count": width,
    }
    shares = {
        "attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
        "rope.freq_base": config.get("rope_theta") or rope["rope_theta"],
    }
    return {
        "general.architecture": kind,
        **{f"{kind}.{name}": mx.array(value, dtype=mx.uint32) for name, value in counts.items()},
        **{f"{kind}.{name}": mx.array(value, dtype=mx.float32) for name, value in shares.items()},
    }


def _vocabulary(model: Path, size: int) -> dict[str, Any]:
    whole = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    about = json.loads((model / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokens = {number: token for token, number in whole["model"]["vocab"].items()}
    kinds = dict.fromkeys(tokens, NORMAL)
    for one in whole["added_tokens"]:
        tokens[one["id"]], kinds[one["id"]] = one["content"], CONTROL if one["special"] else USER
    merges = [one if isinstance(one, str) else " ".join(one) for one in whole["model"]["merges"]]
    numbers = {token: number for number, token in tokens.items()}
    template = model / "chat_template.jinja"
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": _splitting(whole),
        "tokenizer.ggml.tokens": [tokens.get(number, f"[PAD{number}]") for number in range(size)],
        "tokenizer.ggml.token_type": mx.array([kinds.get(number, UNUSED) for number in range(size)], dtype=mx.int32),
        "tokenizer.ggml.merges": merges,
        "tokenizer.chat_template": about.get("chat_template") or template.read_text(encoding="utf-8"),
        **{
            f"tokenizer.ggml.{name}_token_id": mx.array(numbers[_content(about[f"{key}_token"])], dtype=mx.uint32)
            for name, key in (("bos", "bos"), ("eos", "eos"), ("unknown", "unk"), ("padding", "pad"))
            if about.get(f"{key}_token")
        },
    }


def _splitting(tokenizer: dict[str, Any]) -> str:
    """Return llama.cpp's name for how a tokenizer splits text before it merges."""
    first: dict[str, Any] = tokenizer.get("pre_tokenizer") or {}
    *before, last = first.get("pretokenizers") or [first]
    whole = [tokenizer["model"]["type"], last.get("type")] == ["BPE", "ByteLevel"] and not last["add_prefix_space"]
    match [tokenizer.get("normalizer"), whole, last.get("use_regex"), *before]:
        case [None, True, True]:
            return "gpt-2"
        case [None, True, True, {"type": "Digits", "individual_digits": True}]:
            return "smollm"
        case [None, True, False, {"type": "Split", "pattern": {"Regex": pattern}}] if pattern == GPT4:
            return "dbrx"
    raise NoGguf("llama.cpp has no known name for how its tokenizer splits text")


def _content(token: str | dict[str, Any]) -> str:
    return token if isinstance(token, str) else str(token["content"])


def _name(name: str, kind: str) -> str:
    whole, _, end = name.rpartition(".")
    parts = whole.split(".", 3)
    known = WHOLE.get(whole)
    if known is None and whole.startswith("model.layers.") and parts[3] in BLOCKS[kind]:
        known = f"blk.{parts[2]}.{BLOCKS[kind][parts[3]]}"
    if known is None or end != "weight":
        raise NoGguf(f"llama.cpp doesn't know {name}")
    return f"{known}.weight"


def _stored(name: str, value: mx.array, config: dict[str, Any]) -> mx.array:
    """Return a weight as it is stored: norms in float32; Llama's q and k with the halves of each head interleaved."""
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config.get("num_key_value_heads")}
    count = heads.get(name.split(".")[-2])
    if count and config["model_type"] == "llama":
        halves = value.reshape(count, 2, value.shape[0] // count // 2, value.shape[1])
        value = halves.swapaxes(1, 2).reshape(value.shape)
    return value.astype(mx.float32 if value.ndim == 1 or value.dtype == mx.float32 else mx.float16)


def _same(path: Path, tensors: dict[str, mx.array]) -> None:
    found: Any = mx.load(str(path), format="gguf")
    for name, value in tensors.items():
        difference = mx.abs(found[name].astype(mx.float32) - value.astype(mx.float32))
        if number(difference.max()) > ROUNDING * number(mx.abs(value).max()):
            raise NoGguf(f"{name} came back changed")


def main() -> int:
    """Write as told on the command line; return 0, or the error's code after its sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--model", "--output"):
        parser.add_argument(name, required=True, type=Path)
    arguments = parser.parse_args()
    try:
        write(arguments.model, arguments.output)
    except Error as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
