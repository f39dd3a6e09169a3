"""A tiny random OLMo-2 with a byte tokenizer, and adapters for it: `python -m tests.evaluation.tiny FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
CONFIG = {
    "model_type": "olmo2",
    "architectures": ["Olmo2ForCausalLM"],
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 8,
    "rms_norm_eps": 1e-6,
    "vocab_size": 258,
    "max_position_embeddings": 2048,
    "rope_theta": 500000.0,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "mlp_bias": False,
    "eos_token_id": 257,
}
ADAPTER = {"fine_tune_type": "lora", "num_layers": 2, "lora_parameters": {"rank": 4, "scale": 4.0, "dropout": 0.0}}


def build(folder: Path) -> None:
    """Write `base`, and the adapters `one`, `other`, `nothing` (no effect) and `broken` (not a number)."""
    from pipeline.models import blas

    blas.load()
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.models.olmo2 import Model, ModelArgs
    from mlx_lm.tuner.utils import linear_to_lora_layers

    mx.random.seed(1)
    model = Model(ModelArgs.from_dict(CONFIG))
    base = folder / "base"
    base.mkdir(parents=True)
    mx.save_safetensors(str(base / "model.safetensors"), dict(tree_flatten(model.parameters())))
    (base / "config.json").write_text(json.dumps(CONFIG))
    _tokenizer(base)
    model.freeze()
    linear_to_lora_layers(model, 2, ADAPTER["lora_parameters"])
    shapes = dict(tree_flatten(model.trainable_parameters()))
    for name, size in (("one", 0.3), ("other", 0.5), ("nothing", 0.0), ("broken", float("nan"))):
        scales = {key: size if key.endswith("lora_b") else 0.3 for key in shapes}
        made = {key: mx.random.normal(value.shape) * scales[key] for key, value in shapes.items()}
        (folder / name).mkdir()
        mx.save_safetensors(str(folder / name / "adapters.safetensors"), made)
        (folder / name / "adapter_config.json").write_text(json.dumps(ADAPTER))


def _tokenizer(folder: Path) -> None:
    letters = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = {byte: 256 + number for number, byte in enumerate(byte for byte in range(256) if byte not in letters)}
    vocabulary = {chr(others.get(byte, byte)): byte for byte in range(256)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    special = [{"id": number, "content": text} | flags for number, text in ((256, "<|pad|>"), (257, "<|end|>"))]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    tokenizer = {
        "version": "1.0",
        "added_tokens": special,
        "pre_tokenizer": level,
        "decoder": level,
        "model": {"type": "BPE", "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary, "merges": []},
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "pad_token": "<|pad|>",
             "chat_template": TEMPLATE, "clean_up_tokenization_spaces": False}  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(about))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
