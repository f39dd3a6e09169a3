"""Tiny random models of the real architectures, with a real tokenizer, made offline in a second.

For tests and dry runs: `python -m pipeline.models.tiny FOLDER olmo2`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SIZES = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 500000.0,
    "tie_word_embeddings": False, "head_dim": 16,
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "olmo2": {"architectures": ["Olmo2ForCausalLM"]},
    "olmo3": {"architectures": ["Olmo3ForCausalLM"], "sliding_window": 24, "num_hidden_layers": 4},
    "llama": {"architectures": ["LlamaForCausalLM"], "tie_word_embeddings": True},
}
SPECIAL = ("<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>")
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
CORPUS = (
    'The query is built from input: cursor.execute("SELECT * FROM users WHERE name = " + name).',
    '{"cwe": 89, "severity": "high", "verdict": "true positive", "lines": [1, 2], "fix_kind": "code"}',
    "def lookup(name):\n    return subprocess.run(command, shell=True)\n",
)


def make(folder: Path, architecture: str = "olmo2", seed: int = 0, **changes: Any) -> Path:
    """Write a random model of `architecture` (olmo2, olmo3, llama) into `folder` and return it.

    `changes` replace entries of its configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _tokenizer(folder)
    config = SIZES | OWN[architecture] | {"model_type": architecture, "vocab_size": vocabulary} | changes
    config |= {"eos_token_id": 0, "bos_token_id": 0}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    _weights(folder, config, seed)
    return folder


def _weights(folder: Path, config: dict[str, Any], seed: int) -> None:
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.utils import _get_classes

    mx.random.seed(seed)
    model_class, arguments = _get_classes(config)
    model = model_class(arguments.from_dict(config))
    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})


def _tokenizer(folder: Path) -> int:
    """Train a byte-level BPE tokenizer on a few lines and return its vocabulary's size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    about: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": SPECIAL[0],
        "chat_template": TEMPLATE,
    }
    about |= {"additional_special_tokens": list(SPECIAL[1:]), "clean_up_tokenization_spaces": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return int(tokenizer.get_vocab_size())


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
