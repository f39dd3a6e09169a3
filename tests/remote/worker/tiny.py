"""A random model of CodeLlama's shape, its kind of tokenizer, and conversations, made offline in a second."""

import hashlib
import json
from pathlib import Path

from pipeline.remote.contract import Base, Data, DataFile, Spec
from pipeline.remote.recipe import Recipe

CORPUS = (
    "The query is built from input: cursor.execute('SELECT * FROM users WHERE name = ' + name). ",
    '{"cwe": 89, "severity": "high", "verdict": "true positive", "lines": [1, 2], "fix_kind": "code"} ',
    "def lookup(name):\n    return subprocess.run(command, shell=True)\n",
    "[INST] [/INST] <<SYS>> <</SYS>> Explain this finding of bandit in app.py, line 12. ",
)
RECIPE = {
    "batch_size": 4, "max_epochs": 2, "learning_rate": 5e-3, "rank": 4, "alpha": 8.0, "precision": "f32",
    "template": "inst", "max_tokens": 256, "token_budget": 256, "save_steps": 3, "eval_steps": 3, "replay_share": 0.0,
    "early_stopping_patience": 0,
}  # fmt: skip


def model(folder: Path, **changes: object) -> Path:
    """Write a random Llama with CodeLlama's rope base and no chat template."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    count = tokenizer(folder)
    torch.manual_seed(1)
    sizes = {
        "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 4, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}, "initializer_range": 0.1,
    }  # fmt: skip
    config = LlamaConfig(**sizes | changes, vocab_size=count, bos_token_id=1, eos_token_id=2)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def tokenizer(folder: Path) -> int:
    """Write a byte-fallback BPE that marks words with `▁`, as Llama's does; return its size."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learned = Tokenizer(models.BPE())
    learned.normalizer = normalizer
    alphabet = sorted({chr(code) for code in range(33, 127)} | {"▁"})
    learned.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=360, initial_alphabet=alphabet, show_progress=False)
    )
    inner = json.loads(learned.to_str())["model"]
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *inner["vocab"]]
    made = Tokenizer(
        models.BPE(
            {name: number for number, name in enumerate(names)},
            [tuple(merge) for merge in inner["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    made.normalizer = normalizer
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return len(names)


def conversations(path: Path, count: int, start: int = 0) -> DataFile:
    """Write `count` conversations of different lengths and return the file as a spec names it."""
    lines = []
    for number in range(start, start + count):
        question = f"Explain finding {number} of bandit in app.py, line {number % 9}." + " It is high." * (number % 5)
        answer = f"The query is built from input number {number}." + " Fix the code." * (number % 3)
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        lines.append(json.dumps({"messages": turns}) + "\n")
    content = "".join(lines).encode()
    path.write_bytes(content)
    return DataFile(path=str(path), sha256=hashlib.sha256(content).hexdigest())


def spec(folder: Path, base: Path, *, attempt: int = 1, examples: int = 22, **changes: object) -> Spec:
    """Return a small training in `folder`; `changes` are of the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    data = Data(
        train=conversations(folder / "train.jsonl", examples), valid=conversations(folder / "valid.jsonl", 5, 100)
    )
    return Spec(
        run="tiny",
        attempt=attempt,
        base=Base(model=str(base)),
        data=data,
        recipe=Recipe(**RECIPE | changes),
        work=str(folder / "work"),
        output=str(folder / "output"),
    )
