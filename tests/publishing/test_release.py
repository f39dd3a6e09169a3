"""A release as it is laid out: cards the Hub accepts, lineage that can be checked, a bill, a signature."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from huggingface_hub import DatasetCard, ModelCard
from safetensors.numpy import load_file, save_file

from config.errors import InputRefused
from config.settings import FineTuning, Publish, Settings
from pipeline.publishing import guards, registry
from pipeline.publishing.publish import Publish as Stage
from pipeline.publishing.verify import verify
from pipeline.records import Example, Message
from pipeline.stage import Request, RunFolder, write_records

PARTS = ("analysis", "codefix")
METRICS = {"cwe": {"value": 0.625, "low": 0.5, "high": 0.75}, "analysis_loss": {"value": 1.23456}}
REPORT = {
    "rows": [{"model": name, "role": "model", "metrics": METRICS} for name in ("base", "stage-1", "stage-2")],
    "metrics": [{"name": "cwe", "label": "weakness named"}],
    "held_out": 8,
    "binding": {"base": "/home/ada/secret-place/base", "other": "~/x/secret-place/base"},
}


class Made:
    """A stage that writes what it is given."""

    def __init__(self, name: str, needs: tuple[str, ...], write: Any, counts: dict[str, Any] | None = None) -> None:
        self.name, self.needs, self._write, self._counts = name, needs, write, counts or {}

    def settings(self, settings: Settings, request: Request) -> Any:
        return {}

    def run(self, context: Any) -> dict[str, Any]:
        self._write(context.folder)
        return self._counts


def data(folder: Path) -> None:
    for kind in PARTS:
        for split in ("train", "valid", "test"):
            words = (Message(role="user", content=f"{kind} {split}?"), Message(role="assistant", content="Yes."))
            write_records(folder / "dataset" / kind / f"{split}.jsonl", [Example(messages=words, metadata={"a": 1})])
    information = {"leak_audit": {"clusters": 3, "shared": 0.0, "shared_if_random": 0.5}}
    (folder / "dataset" / "dataset_info.json").write_text(json.dumps(information))


def adapter(folder: Path) -> None:
    (folder / "model").mkdir()
    weights = {f"model.layers.0.self_attn.q_proj.lora_{part}": np.ones(shape, dtype=np.float32)
               for part, shape in (("a", (8, 2)), ("b", (2, 8)))}  # fmt: skip
    save_file(weights, folder / "model" / "adapters.safetensors")
    parameters = {"rank": 2, "scale": 2.0, "dropout": 0.0, "keys": ["self_attn.q_proj"]}
    config = {"fine_tune_type": "lora", "lora_parameters": parameters, "num_layers": 1}
    (folder / "model" / "adapter_config.json").write_text(json.dumps(config))
    (folder / "model" / "peft").mkdir()
    own = {"base_model_name_or_path": "/home/ada/secret-place/base"}
    (folder / "model" / "peft" / "adapter_config.json").write_text(json.dumps(own))


def report(folder: Path) -> None:
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "report.json").write_text(json.dumps(REPORT))


def lay_out(
    workspace: Path, run: str = "abc123def456", base: str = "embedded", write: Any = adapter, **publish: Any
) -> Path:
    """Return a run's release, made by the real stage from small inputs; `write` makes each adapter."""
    tuning = FineTuning(hf_repo_prefix="ada/x", base_model_name=base, workspace_dir="/home/ada/secret-place")
    settings = Settings(fine_tuning=tuning, publish=Publish(source_licence="mit", **publish))
    folder, request = RunFolder(workspace / "runs" / run, "code"), Request(artifacts="", artifacts_digest=run)
    counts = {"base_model": base, "examples_seen": 9, "steps": 3, "train_loss_first": 2.0, "train_loss_last": 1.0}
    stages = [
        Made("collect", (), lambda folder: (folder / "a").write_text(run)),
        Made("assemble", ("collect",), data),
        Made("train-analysis", ("assemble",), write, counts),
        Made("train-codefix", ("assemble", "train-analysis"), write, counts),
        Made("evaluate", ("assemble", "train-analysis", "train-codefix"), report),
        *_gate(),
        Stage(),
    ]
    for stage in stages:
        folder.execute(stage, settings, request, lambda _: None)
    return folder.path / "publish" / "release"


def _gate() -> Iterator[Made]:
    """Yield the gate, once releases need one."""
    if "gate" in Stage().needs:
        one = {"model": "m", "against": "base", "better": True, "rules": []}
        verdict = {"better": True, "judgements": [{"specialist": part, **one} for part in PARTS]}
        yield Made("gate", ("evaluate",), lambda folder: (folder / "verdict.json").write_text(json.dumps(verdict)))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


def states(folder: Path, key: Path | None = None) -> dict[str, str]:
    return {check.name: check.state for check in verify(folder, key)}


def test_the_cards_are_what_the_hub_reads(made):
    card = ModelCard.load(made / "analysis" / "README.md")
    assert card.data.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert card.data.datasets == ["ada/x-data"] and card.data.license == "apache-2.0"
    assert {one.metric_type: one.metric_value for one in card.data.eval_results} == {
        "cwe": 0.625,
        "analysis_loss": 1.2346,
    }
    assert "0.625 [0.500, 0.750]" in card.text and "2.000 to 1.000" in card.text
    data_card = DatasetCard.load(made / "dataset" / "README.md")
    assert [one["config_name"] for one in data_card.data.configs] == list(PARTS)
    for configuration in data_card.data.configs:
        assert all((made / "dataset" / file["path"]).stat().st_size for file in configuration["data_files"])


def test_every_part_is_whole_by_itself_and_holds_together(made):
    for part in (made, *(made / name for name in (*PARTS, "dataset"))):
        assert set(states(part).values()) <= {"holds", "left out"}, part
    assert "collect → assemble" in next(check.detail for check in verify(made) if check.name == "stages")
    guards.check_secrets(made, names=["HuggingFaceTB/SmolLM2-135M-Instruct"])


def test_no_place_of_this_machine_is_in_a_release(made, tmp_path):
    for path in made.rglob("*"):
        if path.is_file():
            for needle in (b"secret-place/", b"/home/ada", str(tmp_path).encode()):
                assert needle not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("file", "change", "broken"),
    [
        ("adapters.safetensors", lambda text: text[:-1] + b"!", "files"),
        ("README.md", lambda text: text.replace(b"0.625", b"0.925"), "files"),
        ("exp_config.json", lambda text: text.replace(b'"assemble": "', b'"assemble": "0'), "stages"),
        ("bom.cdx.json", lambda text: text.replace(b"LoRA", b"none"), "analysis: bill of materials"),
    ],
)
def test_what_was_changed_is_named(made, file, change, broken):
    path = made / "analysis" / file
    path.write_bytes(change(path.read_bytes()))
    assert states(made / "analysis")[broken] == "broken"


def test_a_file_more_or_less_is_seen_and_a_figure_that_wasnt_measured(made):
    (made / "codefix" / "more.py").write_text("x")
    assert states(made / "codefix")["files"] == "broken"
    card = made / "analysis" / "README.md"
    card.write_text(card.read_text().replace("value: 0.625", "value: 0.925"))
    assert states(made / "analysis")["analysis: card"] == "broken"
    with pytest.raises(InputRefused, match="holds no release"):
        verify(made.parent)


def key_pair(folder: Path) -> tuple[Path, Path]:
    """Return a P-256 key as openssl makes it: private, public."""
    private, public = folder / "key.pem", folder / "key.pub"
    make = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(private)]
    subprocess.run(make, check=True, capture_output=True)
    subprocess.run(
        ["openssl", "ec", "-in", str(private), "-pubout", "-out", str(public)], check=True, capture_output=True
    )
    private.chmod(0o600)
    return private, public


def test_a_signature_holds_until_anything_changes(tmp_path):
    pytest.importorskip("model_signing")
    private, public = key_pair(tmp_path)
    made = lay_out(tmp_path, signing_key=str(private))
    assert states(made / "analysis", public)["analysis: signature"] == "holds"
    assert states(made / "analysis")["analysis: signature"] == "left out"
    guards.check_secrets(made, names=["HuggingFaceTB/SmolLM2-135M-Instruct"])
    lineage = made / "analysis" / "exp_config.json"
    lineage.write_bytes(lineage.read_bytes() + b"\n")
    assert states(made / "analysis", public)["analysis: signature"] == "broken"
    (tmp_path / "other").mkdir()
    assert states(made / "codefix", key_pair(tmp_path / "other")[1])["codefix: signature"] == "broken"


def test_the_bill_is_valid_cyclonedx(made):
    import cyclonedx.schema
    from jsonschema import Draft7Validator
    from referencing import Registry, Resource

    folder = Path(cyclonedx.schema.__file__).parent / "_res"
    schemas = {name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
               for name in ("bom-1.6", "spdx", "jsf-0.82")}  # fmt: skip
    known = Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in schemas.values())
    bill = json.loads((made / "codefix" / "bom.cdx.json").read_text())
    Draft7Validator(schemas["bom-1.6"], registry=known).validate(bill)
    names = {component["name"] for component in bill["components"]}
    assert {"analysis", "codefix", "dataset", "embedded", "mlx"} <= names


def test_the_peft_form_has_the_same_weights_transposed(made):
    ours = load_file(made / "analysis" / "adapters.safetensors")["model.layers.0.self_attn.q_proj.lora_a"]
    theirs = load_file(made / "analysis" / "peft" / "adapter_model.safetensors")
    assert np.array_equal(next(value for name, value in theirs.items() if "lora_A" in name), ours.T)
    config = json.loads((made / "analysis" / "peft" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct" and config["lora_alpha"] == 4.0


def test_a_signing_key_that_others_can_read_is_refused(tmp_path):
    private, _ = key_pair(tmp_path)
    private.chmod(0o644)
    with pytest.raises(Exception, match="readable by others"):
        lay_out(tmp_path, signing_key=str(private))


def test_models_are_listed_and_pruned_but_never_a_champion_or_the_newest(tmp_path):
    for number in range(5):
        release = lay_out(tmp_path, f"run{number}")
        weights = release.parents[1] / "train-analysis" / "model" / "adapters.safetensors"
        save_file({"w": np.full(4, number, dtype=np.float32)}, weights)
        import os

        os.utime(release.parents[1] / "collect" / "manifest.json", (1e9 + number, 1e9 + number))
    (tmp_path / "latest").symlink_to("runs/run4")
    champion = tmp_path / "champions" / "run0" / "analysis"
    champion.mkdir(parents=True)
    champion.joinpath("adapters.safetensors").write_bytes(
        (tmp_path / "runs/run0/train-analysis/model/adapters.safetensors").read_bytes()
    )
    (tmp_path / "runs" / "run1" / "published.json").write_text("[]")
    known = registry.models(tmp_path)
    assert [one.run for one in known if one.specialist == "analysis"] == ["run4", "run3", "run2", "run1", "run0"]
    assert {one.run for one in known if one.champion} == {"run0"}
    assert {one.run for one in registry.prune(tmp_path, 1, really=False)} == {"run2", "run3"}
    registry.prune(tmp_path, 1, really=True)
    assert {one.run for one in registry.models(tmp_path)} == {"run0", "run1", "run4"}
    assert (tmp_path / "runs" / "run2" / "collect").is_dir(), "only weights go"
    assert registry.find(tmp_path, "analysis").run == "run4"


def test_the_lineage_says_what_it_was_made_with(made):
    record = msgspec.json.decode((made / "exp_config.json").read_bytes())
    assert record["seeds"] == {"training": 20250917, "split": 7}
    assert record["libraries"]["mlx-lm"] and record["python"] and len(record["code"]) == 64
    assert record["stages"]["train-codefix"]["inputs"].keys() == {"assemble", "train-analysis"}


def test_a_release_is_its_owners_alone(made):
    modes = {path.stat().st_mode & 0o777 for path in [made, *made.rglob("*")]}
    assert modes == {0o700, 0o600}
