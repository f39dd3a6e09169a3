"""A merged adapter says what it said as an adapter; what is quantised is loaded again and compared."""

import importlib.util
from pathlib import Path

import msgspec
import pytest
import torch

from config.errors import Error
from pipeline.remote.contract import Event, Finish
from pipeline.remote.worker import base as bases
from pipeline.remote.worker import finish, quantizing
from pipeline.remote.worker.training import train

from . import tiny


@pytest.mark.parametrize(
    ("changes", "bound"),
    [
        ({}, 1e-5),
        ({"quantization": "4bit"}, 1e-5),
        ({"quantization": "4bit", "dequantize": True}, 1e-5),
        ({"use_dora": True}, 1e-5),
        ({"precision": "bf16"}, 0.05),
    ],
)
def test_merging_keeps_the_logits(base: Path, tmp_path: Path, changes: dict[str, object], bound: float) -> None:
    spec = tiny.spec(tmp_path, base, max_epochs=1, **changes)
    result = train(msgspec.structs.replace(spec, finish=Finish(merge=True)))
    (merged,) = result.delivered
    assert merged.logits_distance < bound
    assert merged.loaded
    assert merged.bytes > 1_000_000
    assert "merged/model.safetensors" in result.files


def test_merging_into_weights_it_was_not_trained_on_would_show(base: Path, tmp_path: Path) -> None:
    spec = tiny.spec(tmp_path, base, max_epochs=1, quantization="4bit")
    train(spec)
    folder = tmp_path / "output" / "adapter"
    weights = bases._read(folder)
    four = bases.adapted(bases.load(spec.base, spec.recipe, torch.device("cpu")), spec.recipe, folder)
    plain = msgspec.structs.replace(spec, recipe=msgspec.structs.replace(spec.recipe, quantization="none"))
    from pipeline.remote.worker.templates import tokenizer

    words = tokenizer(spec.base, "inst")
    finish.merge(plain, weights, words, tmp_path / "wrong", torch.device("cpu"))
    from pipeline.training.examples import read

    probes = read(Path(spec.data.train.path), words, 256).examples[:4]
    before = finish.probe(four, probes, torch.device("cpu"))
    wrong = finish.load(tmp_path / "wrong", spec.recipe, torch.device("cpu"))
    after = finish.probe(wrong, probes, torch.device("cpu"))
    assert finish.compared("merged", tmp_path / "wrong", before, after).logits_distance > 1e-2


@pytest.mark.parametrize(("installed", "said"), [(False, "llmcompressor"), (True, "groups of 128.* 64 inputs")])
def test_what_couldnt_be_quantised_is_told_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool, said: str
) -> None:
    monkeypatch.setattr(quantizing, "_installed", lambda: installed)
    narrow = tiny.model(tmp_path / "narrow", hidden_size=64)
    spec = msgspec.structs.replace(tiny.spec(tmp_path, narrow), finish=Finish(quantize=("gptq",)))
    events: list[Event] = []
    with pytest.raises(Error, match=said):
        train(spec, on_event=events.append)
    assert [event.kind for event in events] == ["failed"]


@pytest.mark.skipif(not importlib.util.find_spec("llmcompressor"), reason="llmcompressor is an extra of the worker")
@pytest.mark.parametrize("kind", ["gptq", "awq"])
@pytest.mark.filterwarnings("ignore")
def test_a_quantised_model_is_smaller_loads_and_answers_alike(base: Path, tmp_path: Path, kind: str) -> None:
    spec = tiny.spec(tmp_path, base, max_epochs=1)
    result = train(msgspec.structs.replace(spec, finish=Finish(quantize=(kind,))))
    merged, small = result.delivered
    assert small.kind == kind
    assert small.bytes < merged.bytes
    assert small.loaded
    learned = (result.valid_loss_first or 0.0) - (merged.loss or 0.0)
    assert (small.loss or 0.0) - (merged.loss or 0.0) < learned / 2
