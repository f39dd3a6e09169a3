"""What was released loads again, in the one line the card gives, and answers like what was trained."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from daemon.cli import main
from pipeline.models import blas, tiny
from tests.publishing.test_release import lay_out

blas.load()
TOKENS = [5, 6, 7, 8, 9]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("base") / "olmo2", "olmo2")


def adapter_for(base: Path) -> Any:
    """Return what writes an adapter that fits the tiny model and moves its answers."""
    config = json.loads((base / "config.json").read_text())
    size, layers = config["hidden_size"], config["num_hidden_layers"]

    def write(folder: Path) -> None:
        chance = np.random.default_rng(3)
        weights = {
            f"model.layers.{layer}.self_attn.q_proj.lora_{part}": chance.normal(size=shape).astype(np.float32)
            for layer in range(layers)
            for part, shape in (("a", (size, 2)), ("b", (2, size)))
        }
        (folder / "model").mkdir()
        save_file(weights, folder / "model" / "adapters.safetensors")
        parameters = {"rank": 2, "scale": 2.0, "dropout": 0.0, "keys": ["self_attn.q_proj"]}
        about = {"fine_tune_type": "lora", "lora_parameters": parameters, "num_layers": layers}
        (folder / "model" / "adapter_config.json").write_text(json.dumps(about))

    return write


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    workspace = tmp_path_factory.mktemp("workspace")
    return lay_out(workspace, base=str(base), write=adapter_for(base), forms=("peft", "fused"))


def logits(*arguments: str, **named: str) -> Any:
    import mlx.core as mx
    from mlx_lm import load

    model = load(*arguments, **named)[0]
    model.set_dtype(mx.float32)
    return np.array(model(mx.array([TOKENS])))


def test_the_adapter_and_the_fused_form_load_with_mlx_lm_and_answer_like_what_was_trained(made: Path, base: Path):
    from pipeline.models.load import load

    plain = logits(str(base))
    released = logits(str(base), adapter_path=str(made / "analysis"))
    fused = logits(str(made / "analysis" / "fused"))
    import mlx.core as mx

    trained = np.array(load(base, made.parents[1] / "train-analysis" / "model")[0](mx.array([TOKENS])))
    assert np.abs(released - plain).max() > 0.01, "the adapter does nothing: this test shows nothing"
    assert np.array_equal(released, trained)
    assert np.abs(fused - trained).max() < 1e-4


def test_models_test_loads_a_model_and_lets_it_answer(made: Path, capsys: pytest.CaptureFixture[str]):
    workspace = made.parents[3]
    assert main(["models", "test", "analysis", "--output-dir", str(workspace)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["loads"] is True and isinstance(said["answer"], str) and said["seconds"] >= 0


def test_models_test_says_of_a_broken_model_that_it_doesnt_load(tmp_path: Path, base: Path, capsys):
    release = lay_out(tmp_path, base=str(base), write=adapter_for(base))
    weights = release.parents[1] / "train-codefix" / "model" / "adapters.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert main(["models", "test", "codefix", "--output-dir", str(tmp_path)]) == 1
    assert "abc123def456/codefix doesn't load" in capsys.readouterr().err
