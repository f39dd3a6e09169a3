"""An adapter goes to PEFT's form and back unchanged; what mlx-lm has no way of saying is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from config.errors import InputRefused, SettingsError
from config.settings import FineTuning, Remote, Settings
from pipeline.remote.connection import address, launcher, storage, token
from pipeline.training import peft


def adapter(folder: Path, kind: str) -> Path:
    """Write an mlx-lm adapter of the two upper blocks."""
    chance = np.random.default_rng(1)
    weights = {}
    for layer in (1, 2):
        name = f"model.layers.{layer}.self_attn.q_proj"
        weights[f"{name}.lora_a"] = chance.normal(size=(8, 4)).astype("f4")
        weights[f"{name}.lora_b"] = chance.normal(size=(4, 6)).astype("f4")
        if kind == "dora":
            weights[f"{name}.m"] = chance.normal(size=6).astype("f4")
    folder.mkdir()
    save_file(weights, folder / "adapters.safetensors")
    parameters = {"rank": 4, "scale": 2.0, "dropout": 0.1, "keys": ["self_attn.q_proj"]}
    about = {
        "fine_tune_type": kind,
        "num_layers": 2,
        "lora_parameters": parameters,
        "fixsmith": {"quantization": "none"},
    }
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_an_adapter_comes_back_from_peft_as_it_went(tmp_path: Path, kind: str) -> None:
    ours = adapter(tmp_path / "ours", kind)
    back = peft.restore(peft.export(ours, tmp_path / "peft", "base"), tmp_path / "back", {"quantization": "none"})
    before, after = (load_file(folder / "adapters.safetensors") for folder in (ours, back))
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name])
    assert json.loads((back / "adapter_config.json").read_text()) == json.loads(
        (ours / "adapter_config.json").read_text()
    )


@pytest.mark.parametrize(
    "change", [{"use_rslora": True}, {"rank_pattern": {"q_proj": 8}}, {"bias": "all"}, {"peft_type": "IA3"}, {"r": "x"}]
)
def test_an_adapter_mlx_cannot_say_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    folder = peft.export(adapter(tmp_path / "ours", "lora"), tmp_path / "peft", "base")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputRefused):
        peft.restore(folder, tmp_path / "back", {})


def test_a_worker_that_is_not_set_up_is_told_before_anything_else(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    with pytest.raises(SettingsError, match=r"remote\.address"):
        address(Remote(), "ray")
    with pytest.raises(SettingsError, match="token"):
        token(Remote())
    with pytest.raises(SettingsError, match=r"remote\.storage"):
        storage(Remote())
    with pytest.raises(SettingsError, match="ssh://HOST"):
        launcher(Settings(fine_tuning=FineTuning(backend="ssh"), remote=Remote(address="https://ray.example.org")))
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(SettingsError, match="readable by others"):
        token(Remote(token_file=str(tmp_path / "token")))
