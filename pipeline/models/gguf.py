"""Convert a Llama GGUF file to the folder mlx-lm reads. Runs as a child: it imports MLX.

Weights become float32: exact against the file's own numbers, and the fastest form for LoRA on a
CPU. llama.cpp's row order of the q and k projections is undone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_SPECIAL_TOKEN = 3
_GROUP = 32


def convert(source: Path, target: Path) -> None:
    """Write config, tokenizer and float32 weights of the GGUF file `source` into `target`."""
    import mlx.core as mx

    raw, metadata = cast(Any, mx.load(str(source), return_metadata=True))
    facts = {key: _plain(value) for key, value in metadata.items()}
    config = _config(facts, tied="output.weight" not in raw)
    weights = {_rename(name): value for name, value in _dequantised(raw, config).items()}
    mx.save_safetensors(str(target / "model.safetensors"), weights, metadata={"format": "mlx"})
    _write(target / "config.json", config)
    _write(target / "tokenizer.json", _tokenizer(facts))
    _write(target / "tokenizer_config.json", _tokenizer_config(facts))


def _config(facts: dict[str, Any], tied: bool) -> dict[str, Any]:
    heads = facts["llama.attention.head_count"]
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": facts["llama.embedding_length"],
        "intermediate_size": facts["llama.feed_forward_length"],
        "num_hidden_layers": facts["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": facts["llama.attention.head_count_kv"],
        "head_dim": facts["llama.embedding_length"] // heads,
        "rms_norm_eps": round(facts["llama.attention.layer_norm_rms_epsilon"], 9),
        "rope_theta": facts["llama.rope.freq_base"],
        "max_position_embeddings": facts["llama.context_length"],
        "vocab_size": len(facts["tokenizer.ggml.tokens"]),
        "tie_word_embeddings": tied,
        "bos_token_id": facts["tokenizer.ggml.bos_token_id"],
        "eos_token_id": facts["tokenizer.ggml.eos_token_id"],
        "torch_dtype": "float32",
    }


def _dequantised(raw: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    import mlx.core as mx

    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    result = {}
    for name, value in raw.items():
        if not name.endswith(".weight"):
            continue
        weight = _weight(raw, name.removesuffix(".weight"), value)
        kind = name.split(".")[-2]
        result[name] = _rows_in_order(weight, heads[kind]) if kind in heads else weight
    mx.eval(list(result.values()))
    return result


def _weight(raw: dict[str, Any], name: str, value: Any) -> Any:
    import mlx.core as mx

    scales = raw.get(f"{name}.scales")
    if scales is None:
        return value.astype(mx.float32)
    bits = value.shape[-1] * 32 // (scales.shape[-1] * _GROUP)
    biases = raw[f"{name}.biases"].astype(mx.float32)
    return mx.dequantize(value, scales.astype(mx.float32), biases, group_size=_GROUP, bits=bits)


def _rows_in_order(weight: Any, heads: int) -> Any:
    halves = weight.reshape(heads, weight.shape[0] // heads // 2, 2, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def _rename(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{_NAMES[parts[2]]}.{parts[3]}"
    return f"{_NAMES[parts[0]]}.{parts[1]}"


def _tokenizer(facts: dict[str, Any]) -> dict[str, Any]:
    tokens, kinds = facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.token_type"]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    special = [number for number, kind in enumerate(kinds) if kind == _SPECIAL_TOKEN]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    return {
        "version": "1.0",
        "added_tokens": [{"id": number, "content": tokens[number]} | flags for number in special],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "decoder": byte_level | {"add_prefix_space": True},
        "model": {
            "type": "BPE",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in facts["tokenizer.ggml.merges"]],
        },
    }


def _tokenizer_config(facts: dict[str, Any]) -> dict[str, Any]:
    tokens = facts["tokenizer.ggml.tokens"]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[facts["tokenizer.ggml.bos_token_id"]],
        "eos_token": tokens[facts["tokenizer.ggml.eos_token_id"]],
        "pad_token": tokens[facts["tokenizer.ggml.padding_token_id"]],
        "unk_token": tokens[facts["tokenizer.ggml.unknown_token_id"]],
        "chat_template": facts["tokenizer.chat_template"],
        "model_max_length": facts["llama.context_length"],
        "clean_up_tokenization_spaces": False,
    }


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
