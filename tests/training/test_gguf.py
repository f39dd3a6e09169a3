"""A fused model as GGUF: what is read back is what was written, and what llama.cpp would take otherwise is refused.

That llama.cpp itself answers alike was seen by hand: docs/benchmarks.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from pipeline.models import gguf as reader
from pipeline.models import tiny
from pipeline.models.load import load
from pipeline.publishing.cards import About, apart_card
from pipeline.publishing.forms import MAKERS
from pipeline.training.mlx import gguf
from pipeline.training.mlx.training import train

IDS = [[5, 6, 7, 8, 9]]


def logits(model: Path) -> mx.array:
    return load(model)[0](mx.array(IDS))


def splitting(model: Path, *steps: dict[str, Any], **changes: Any) -> Path:
    """Change how a model's tokenizer splits text."""
    path = model / "tokenizer.json"
    whole = json.loads(path.read_text()) | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}} | changes
    path.write_text(json.dumps(whole))
    return model


def test_our_own_reader_of_llama_files_gets_the_same_model_back(tmp_path: Path) -> None:
    model = tiny.make(tmp_path / "llama", "llama")
    path = model / "tokenizer_config.json"
    named = {f"{name}_token": "<|endoftext|>" for name in ("bos", "unk", "pad")}
    path.write_text(json.dumps(json.loads(path.read_text()) | named))
    gguf.write(model, tmp_path / "model.gguf")
    back = tmp_path / "back"
    back.mkdir()
    reader.convert(tmp_path / "model.gguf", back)
    assert mx.abs(logits(back) - logits(model)).max().item() < 1e-5
    vocabularies = [json.loads((folder / "tokenizer.json").read_text())["model"] for folder in (model, back)]
    assert vocabularies[0]["vocab"] == vocabularies[1]["vocab"]
    assert vocabularies[0]["merges"] == vocabularies[1]["merges"]


def test_olmo_2_has_llama_cpps_names_and_every_number(tmp_path: Path) -> None:
    model = tiny.make(tmp_path / "olmo2", "olmo2")
    gguf.write(model, tmp_path / "model.gguf")
    tensors, facts = mx.load(str(tmp_path / "model.gguf"), return_metadata=True)
    weights = mx.load(str(model / "model.safetensors"))
    pairs = {
        "blk.1.attn_q": "model.layers.1.self_attn.q_proj",
        "blk.2.post_ffw_norm": "model.layers.2.post_feedforward_layernorm",
        "blk.0.post_attention_norm": "model.layers.0.post_attention_layernorm",
        "output": "lm_head",
    }
    assert len(tensors) == len(weights)
    for ours, theirs in pairs.items():
        assert mx.array_equal(tensors[f"{ours}.weight"], weights[f"{theirs}.weight"])
    assert facts["general.architecture"] == "olmo2" and facts["olmo2.rope.freq_base"].item() == 500000.0
    assert facts["tokenizer.ggml.pre"] == "gpt-2"


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([{"type": "Digits", "individual_digits": True}, {"use_regex": True}], "smollm"),
        ([{"type": "Split", "pattern": {"Regex": gguf.GPT4}, "behavior": "Isolated"}, {"use_regex": False}], "dbrx"),
        ([{"type": "Split", "pattern": {"Regex": "x"}, "behavior": "Isolated"}, {"use_regex": False}], None),
        ([{"type": "Digits", "individual_digits": False}, {"use_regex": True}], None),
        ([{"use_regex": True, "add_prefix_space": True}], None),
    ],
)
def test_a_tokenizer_is_known_by_how_it_splits_text_or_refused(
    tmp_path: Path, steps: list[Any], name: str | None
) -> None:
    steps[-1] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True} | steps[-1]
    model = splitting(tiny.make(tmp_path / "llama", "llama"), *steps)
    if name is None:
        with pytest.raises(gguf.NoGguf, match="no known name for how its tokenizer splits text"):
            gguf.write(model, tmp_path / "model.gguf")
        assert not (tmp_path / "model.gguf").exists()
        return
    gguf.write(model, tmp_path / "model.gguf")
    assert mx.load(str(tmp_path / "model.gguf"), return_metadata=True)[1]["tokenizer.ggml.pre"] == name


@pytest.mark.parametrize(
    ("architecture", "changes", "why"),
    [
        ("olmo3", {}, "its architecture is olmo3"),
        ("llama", {"rope_scaling": {"rope_type": "llama3"}}, "rotary positions are scaled"),
        ("llama", {"quantization": {"bits": 4}}, "weights are quantised"),
    ],
)
def test_what_would_answer_differently_is_refused(
    tmp_path: Path, architecture: str, changes: dict[str, Any], why: str
) -> None:
    model = tiny.make(tmp_path / "model", architecture)
    path = model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(gguf.NoGguf, match=why):
        gguf.write(model, tmp_path / "model.gguf")


def test_the_form_holds_base_and_adapter_together_and_the_card_says_how_to_use_it(
    job: Callable[..., Any], tmp_path: Path
) -> None:
    made = job(model="olmo2", max_epochs=1)
    train(made, lambda _: None, lambda: False)
    MAKERS["gguf"](Path(made.output), tmp_path / "gguf", made.base_model)
    assert [path.name for path in (tmp_path / "gguf").iterdir()] == ["model.gguf"]
    assert not list(tmp_path.glob(".gguf-*")), "the fused model is gone again"
    found = mx.load(str(tmp_path / "gguf" / "model.gguf"))["blk.2.attn_q.weight"]
    base = mx.load(f"{made.base_model}/model.safetensors")["model.layers.2.self_attn.q_proj.weight"]
    assert 0 < mx.abs(found - base).max().item() < 1
    about = About(
        name="x", specialist="analysis", base_model="embedded", licence="", repository="ada/x", data=None, counts={},
        seconds=1.0, forms=("gguf",),
    )  # fmt: skip
    assert "llama-cli --model gguf/model.gguf" in apart_card(about)
