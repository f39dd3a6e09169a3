"""Who must be beaten: the workspace's line of champions, and what the flow makes of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from config.errors import Error
from config.settings import Gate as Policy
from config.settings import Settings
from pipeline import champions
from pipeline.evaluation import binding, evaluate
from pipeline.evaluation.gate import decide, opponent
from pipeline.evaluation.measurement import Loaded
from pipeline.models.base import BaseModel
from pipeline.stage import Manifest, Request, RunFolder, digest_folder
from tests.evaluation import fabricated

BASE = BaseModel(name="tiny", path=Path("/tiny"), digest="d")


def trained(workspace: Path, run: str, *specialists: str) -> RunFolder:
    """Lay out the training stages of a run."""
    for specialist in specialists:
        model = workspace / "runs" / run / f"train-{specialist}" / "model"
        model.mkdir(parents=True)
        (model / "adapters.safetensors").write_text(f"{run} {specialist}")
        manifest = Manifest(
            stage=f"train-{specialist}", key="k", code="c", settings={}, inputs={}, outputs=digest_folder(model),
            counts={"base_model": BASE.name, "base_digest": BASE.digest},
        )  # fmt: skip
        (model.parent / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return RunFolder(workspace / "runs" / run, "c")


def test_the_first_time_there_is_nobody_but_the_base(tmp_path: Path) -> None:
    assert champions.opponents(tmp_path) == {}


def test_a_run_is_never_its_own_opponent(tmp_path: Path) -> None:
    first, second = trained(tmp_path, "one", "analysis"), trained(tmp_path, "two", "analysis")
    assert champions.promote(tmp_path, first, ["analysis"]) == ("analysis",)
    assert champions.promote(tmp_path, second, ["analysis"]) == ("analysis",)
    assert champions.opponents(tmp_path, "two")["analysis"].endswith("champions/one/analysis")
    assert champions.opponents(tmp_path, "three")["analysis"].endswith("champions/two/analysis")
    assert (tmp_path / "champion" / "analysis" / "adapters.safetensors").read_text() == "two analysis"


def test_promoting_again_changes_nothing_and_a_crash_between_is_mended(tmp_path: Path) -> None:
    run = trained(tmp_path, "one", "analysis", "codefix")
    half = tmp_path / "champions" / "one" / "analysis.tmp"
    half.mkdir(parents=True)
    (half / "adapters.safetensors").write_text("ha")
    champions.promote(tmp_path, run, ["analysis"])
    before = digest_folder(tmp_path / "champions")
    assert champions.promote(tmp_path, run, ["analysis"]) == ()
    assert digest_folder(tmp_path / "champions") == before and not half.exists()
    assert champions.promote(tmp_path, run, ["analysis", "codefix"]) == ("codefix",)


def test_champions_outlive_the_runs_they_come_from(tmp_path: Path) -> None:
    champions.promote(tmp_path, trained(tmp_path, "one", "analysis"), ["analysis"])
    shutil.rmtree(tmp_path / "runs")
    assert Path(champions.opponents(tmp_path)["analysis"], "adapters.safetensors").read_text() == "one analysis"


def test_a_single_model_holds_both_roles_until_a_specialist_takes_one(tmp_path: Path) -> None:
    champions.promote(tmp_path, trained(tmp_path, "one", "analysis", "codefix"), ["analysis", "codefix"])
    champions.promote(tmp_path, trained(tmp_path, "two", "single"), ["single"])
    assert list(champions.opponents(tmp_path)) == ["single"]
    champions.promote(tmp_path, trained(tmp_path, "three", "codefix"), ["codefix"])
    assert list(champions.opponents(tmp_path)) == ["single", "codefix"]


def test_a_single_model_must_beat_the_champion_of_each_role() -> None:
    data = fabricated.held_out()
    models = [
        fabricated.model("base", data, 0.1),
        fabricated.model("single", data, 0.9, loss=0.6),
        fabricated.model("champion-codefix", data, 0.2, loss=0.1),
    ]
    report = fabricated.report(data, models)
    assert (opponent(report, "analysis"), opponent(report, "codefix")) == ("base", "champion-codefix")
    judged = decide(report, Policy(max_unfaithful=1.0)).judgements[0]
    assert judged.against == "base and champion-codefix" and not judged.better
    assert [rule.name for rule in judged.rules if rule.passed is False] == ["better"]


def test_the_champion_is_no_part_of_a_runs_identity_but_of_the_evaluations(tmp_path: Path) -> None:
    champions.promote(tmp_path, trained(tmp_path, "one", "analysis"), ["analysis"])
    alone = Request(artifacts="a", artifacts_digest="d")
    against = msgspec.structs.replace(alone, champions=champions.opponents(tmp_path))
    assert alone.identity() == against.identity()
    stage = evaluate.Evaluate()
    assert stage.settings(Settings(), alone)["champion"] == {}
    assert stage.settings(Settings(), against)["champion"].keys() == {"analysis"}


def test_a_named_release_is_beaten_instead_of_the_workspaces_champion(tmp_path: Path) -> None:
    champions.promote(tmp_path, trained(tmp_path, "one", "analysis"), ["analysis"])
    (tmp_path / "release" / "single").mkdir(parents=True)
    (tmp_path / "release" / "single" / "adapters.safetensors").write_text("a")
    settings = Settings(gate=Policy(champion=str(tmp_path / "release")))
    request = Request(artifacts="a", artifacts_digest="d", champions=champions.opponents(tmp_path))
    assert list(evaluate.opponents(settings, request)) == ["single"]


def test_a_champion_is_measured_on_its_own_base_model_or_not_at_all(tmp_path: Path, tiny: Path) -> None:
    adapter = tmp_path / "analysis"
    adapter.mkdir()

    def against(digest: str) -> str | None:
        champion = champions.Champion(
            run="one", specialist="analysis", base=str(tiny / "base"), base_digest=digest, adapter="a"
        )
        (adapter / champions.ABOUT).write_bytes(msgspec.json.encode(champion))
        return evaluate.champions({"analysis": adapter}, BASE)[0].base

    assert against(BASE.digest) is None
    assert against(evaluate.resolve(str(tiny / "base")).digest) == str(tiny / "base")
    with pytest.raises(Error, match="isn't the same any more"):
        against("gone")


def test_a_swapped_champion_is_caught() -> None:
    champion = champions.Champion(run="one", specialist="analysis", base="b", base_digest="d", adapter="meant")
    loaded = Loaded(model="champion-analysis", base={}, adapter={"adapters.safetensors": "other"})
    with pytest.raises(binding.Tampered, match="The adapter of champion-analysis was swapped"):
        binding.check_champion(loaded, champion)
    binding.check_champion(loaded, None)


def test_a_rollback_makes_the_champion_before_it_the_champion_again(tmp_path: Path) -> None:
    import pytest

    from config.errors import UsageError
    from pipeline import champions

    made = []
    for run in ("one", "two"):
        champion = champions.Champion(run=run, specialist="analysis", base="b", base_digest="d", adapter=run)
        (champions.folder(tmp_path, champion)).mkdir(parents=True)
        (champions.folder(tmp_path, champion) / champions.ADAPTER).write_text(run)
        made.append(champion)
    line = b"".join(msgspec.json.encode(one) + b"\n" for one in made)
    (tmp_path / champions.FOLDER / champions.LINE).write_bytes(line)
    assert champions.roll_back(tmp_path, "analysis") == made[0]
    assert [one.run for one in champions.line(tmp_path)] == ["one", "two", "one"]
    assert (tmp_path / champions.LINK / "analysis" / champions.ADAPTER).read_text() == "one"
    assert champions.opponents(tmp_path)["analysis"].endswith("one/analysis")
    assert champions.roll_back(tmp_path, "analysis") == made[1], "and back again"
    with pytest.raises(UsageError, match="no earlier codefix champion"):
        champions.roll_back(tmp_path, "codefix")
