"""The measuring child, really run on a tiny OLMo-2: it resumes, agrees with mlx-lm, and stops with reasons."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from config.errors import Error, UsageError
from config.settings import Evaluation, FineTuning, Settings
from daemon.commands import evaluate as command
from pipeline.champions import ABOUT, Champion
from pipeline.evaluation import binding
from pipeline.evaluation.evaluate import Evaluate
from pipeline.evaluation.lines import Lines
from pipeline.evaluation.measurement import Answer, Contestant, Loss, Plan
from pipeline.evaluation.measuring import collect, measure
from pipeline.evaluation.questions import questions, read_held_out
from pipeline.evaluation.session import Session
from pipeline.models import blas
from pipeline.models.base import BaseModel, digest
from pipeline.stage import Context, Manifest, Request, digest_folder, read_records, write_records
from tests.evaluation.conftest import ROOT

QUICK = Evaluation(
    max_answers=6, max_explanations=1, max_fixes=2, answer_tokens=24, explanation_tokens=32, fix_tokens=16
)


def session(tiny: Path, dataset: Path, work: Path, *names: str, **changed: object) -> Session:
    work.mkdir(exist_ok=True)
    settings = Settings(evaluation=msgspec.structs.replace(QUICK, **changed))
    return Session(
        base=BaseModel(name="tiny", path=tiny / "base", digest=digest(tiny / "base")),
        contestants=tuple(Contestant(name=name, adapter=str(tiny / name)) for name in names),
        dataset=dataset,
        work=work,
        settings=settings,
        manifests={},
        curves={},
    )


def answers(work: Path, name: str) -> dict[str, Answer]:
    return {one.question: one for one in read_records(work / "measured" / f"answers-{name}.jsonl", Answer)}


def plan(work: Path) -> Plan:
    return msgspec.json.decode((work / "measured" / "plan.json").read_bytes(), type=Plan)


@pytest.fixture(scope="module")
def measured(tiny: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    work = tmp_path_factory.mktemp("measured")
    report, _ = session(tiny, dataset, work, "one", "other", samples=2).run(lambda step: None)
    return work, report


def test_base_and_adapters_are_measured_beside_the_trivial_answers(measured) -> None:
    _, report = measured
    assert report.models == ("base", "one", "other")
    assert {"constant answer", "most frequent per rule", "nearest neighbour", "no-op"} <= {
        row.model for row in report.rows
    }
    losses = {row.model: row.metrics["analysis_loss"].value for row in report.rows if "analysis_loss" in row.metrics}
    assert len(set(losses.values())) == 3
    assert next(row for row in report.rows if row.model == "base").metrics["unparsable"].value == 1.0


def test_the_digests_in_the_report_are_those_of_the_files(measured, tiny: Path) -> None:
    _, report = measured
    wanted = {name: file.sha256 for name, file in digest_folder(tiny / "one").items()}
    assert report.binding["adapters"]["one"] == wanted
    assert (
        report.binding["base"]["files"]["model.safetensors"] == digest_folder(tiny / "base")["model.safetensors"].sha256
    )


def test_fusing_keeps_the_adapters_effect(measured) -> None:
    _, report = measured
    assert report.details["one"]["fused"] == pytest.approx(1.0, abs=0.01)


def test_fusing_into_a_quantised_base_is_measured_as_it_is_done(tiny: Path, dataset: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    shutil.copytree(tiny / "one", tmp_path / "small")
    file = tmp_path / "small" / "adapters.safetensors"
    save_file({name: value * (0.002 if "lora_b" in name else 1) for name, value in load_file(file).items()}, file)
    asked = session(tiny, dataset, tmp_path / "work", max_answers=1, max_fixes=0, max_explanations=0)
    settings = msgspec.structs.replace(asked.settings, fine_tuning=FineTuning(quantization="4bit"))
    small = Contestant(name="small", adapter=str(tmp_path / "small"))
    report, _ = msgspec.structs.replace(asked, settings=settings, contestants=(small,)).run(lambda step: None)
    assert report.details["small"]["fused"] == pytest.approx(1.0, abs=0.05)


def test_seeds_differ_and_the_same_seed_is_the_same(measured, tiny: Path, dataset: Path, tmp_path: Path) -> None:
    work, _ = measured
    first, second = (answers(work, f"one-{seed}") for seed in (1, 2))
    assert [one.text for one in first.values()] != [second[name].text for name in first]
    session(tiny, dataset, tmp_path, "one", samples=1, batch=1).run(lambda step: None)
    again = answers(tmp_path, "one-1")
    assert {name: one.text for name, one in first.items()} == {name: one.text for name, one in again.items()}


def test_batched_answers_are_those_of_mlx_lm_one_at_a_time(measured, tiny: Path) -> None:
    work, _ = measured
    script = (
        "import json, sys\n"
        "from pipeline.models import blas; blas.load()\n"
        "from mlx_lm import generate, load\n"
        "model, tokenizer = load(sys.argv[1], adapter_path=sys.argv[2])\n"
        "for line in open(sys.argv[3]):\n"
        "    row = json.loads(line)\n"
        "    prompt = tokenizer.apply_chat_template(row['example']['messages'][:-1], add_generation_prompt=True)\n"
        "    print(json.dumps([row['id'], generate(model, tokenizer, prompt, max_tokens=row['tokens'])]))\n"
    )
    inputs = [str(tiny / "base"), str(tiny / "one"), str(work / "questions.jsonl")]
    done = subprocess.run(
        [sys.executable, "-c", script, *inputs],
        capture_output=True,
        text=True,
        check=True,
        env=blas.environment(os.environ | {"PYTHONPATH": str(ROOT)}),
    )
    alone = dict(json.loads(line) for line in done.stdout.splitlines())
    ours = answers(work, "one")
    assert len(alone) == len(ours) == 8
    assert all(alone[name].startswith(one.text) and one.text for name, one in ours.items())
    assert [name for name, one in ours.items() if one.ending == "length" and one.text != alone[name]] == []


def test_killed_in_the_middle_it_goes_on_and_ends_the_same(measured, tiny: Path, dataset: Path, tmp_path: Path) -> None:
    work, _ = measured
    there = tmp_path / "again"
    shutil.copytree(work, there)
    moved = msgspec.structs.replace(
        plan(work), questions=str(there / "questions.jsonl"), output=str(there / "measured")
    )
    for file in (there / "measured").glob("*-o*.jsonl"):
        file.unlink()
    (there / "measured" / "plan.json").write_bytes(msgspec.json.encode(moved))
    command = [sys.executable, "-m", "pipeline.evaluation.child", str(there / "measured" / "plan.json")]
    environment = blas.environment(os.environ | {"PYTHONPATH": str(ROOT)})
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    file = there / "measured" / "losses-one.jsonl"
    deadline = time.monotonic() + 60
    while not (file.exists() and file.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with file.open("ab") as stream:
        stream.write(b'{"kind":"analysis","mod')
    measure(moved, lambda step: None)
    for name in ("losses-one", "losses-other"):
        before, after = (sorted(read_records(at / "measured" / f"{name}.jsonl", Loss), key=str) for at in (work, there))
        assert before == after
    texts = [{name: one.text for name, one in answers(at, "other").items()} for at in (work, there)]
    assert texts[0] == texts[1]


@pytest.fixture
def tampered(measured, dataset: Path, tmp_path: Path):
    """Return a copy of what was answered, to be tampered with, and what collects one's answers from it."""
    work, _ = measured
    folder = shutil.copytree(work / "measured", tmp_path / "measured")
    asked = questions(read_held_out(dataset), msgspec.structs.replace(QUICK, samples=2))
    there = msgspec.structs.replace(plan(work), output=str(folder))
    return folder, lambda: collect(there, Contestant(name="one"), asked)


def test_a_truncated_answers_file_is_caught(tampered) -> None:
    folder, collected = tampered
    file = folder / "answers-one.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:5]))
    with pytest.raises(Error, match=r"answers-one\.jsonl isn't whole: 5 of 8 examples of one are in it"):
        collected()


def test_answers_of_another_model_are_caught(tampered) -> None:
    folder, collected = tampered
    shutil.copy(folder / "answers-other.jsonl", folder / "answers-one.jsonl")
    with pytest.raises(Error, match=r"answers-one\.jsonl holds answers of other, not of one"):
        collected()


def test_one_seeds_answers_under_another_seeds_name_are_caught(tampered) -> None:
    folder, collected = tampered
    shutil.copy(folder / "answers-one-1.jsonl", folder / "answers-one-2.jsonl")
    with pytest.raises(Error, match=r"answers-one-2\.jsonl holds answers of one with seed 1, not of one with seed 2"):
        collected()


def test_an_answer_that_stands_there_twice_is_caught(tampered) -> None:
    folder, collected = tampered
    file = folder / "answers-one.jsonl"
    file.write_bytes(file.read_bytes() + file.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(Error, match=r"answers-one\.jsonl holds answers twice"):
        collected()


def test_logits_that_are_not_numbers_are_caught(tiny: Path, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"broken: the loss on example [0-9a-f]{16} isn't a number"):
        session(tiny, dataset, tmp_path, "broken", max_answers=1, max_fixes=0).run(lambda step: None)


def test_an_adapter_without_effect_is_caught(tiny: Path, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(binding.Indistinct, match="base and nothing are equal to the last digit"):
        session(tiny, dataset, tmp_path, "nothing", max_answers=1, max_fixes=0).run(lambda step: None)


def test_the_evaluation_stops_at_a_leaked_data_set(tiny: Path, dataset: Path, tmp_path: Path) -> None:
    leaked = tmp_path / "dataset"
    shutil.copytree(dataset, leaked)
    shutil.copy(leaked / "analysis" / "train.jsonl", leaked / "analysis" / "test.jsonl")
    with pytest.raises(binding.Leaked, match="leaked into training"):
        session(tiny, leaked, tmp_path / "work", "one").run(lambda step: None)
    assert not (tmp_path / "work" / "measured").exists(), "nothing was measured first"


def test_the_evaluation_stops_at_another_base_model_than_the_trainings(
    tiny: Path, dataset: Path, tmp_path: Path
) -> None:
    made = Manifest(
        stage="train-analysis", key="k", code="c", settings={}, inputs={}, outputs={}, counts={"base_digest": "other"}
    )
    asked = session(tiny, dataset, tmp_path, "one", max_answers=1, max_fixes=0)
    with pytest.raises(binding.Tampered, match="one was trained on another base model"):
        msgspec.structs.replace(asked, manifests={"one": made}).run(lambda step: None)


def test_the_evaluation_stops_at_a_champion_that_was_exchanged(tiny: Path, dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "champion"
    shutil.copytree(tiny / "one", folder)
    asked = session(tiny, dataset, tmp_path / "work", max_answers=1, max_fixes=0)
    champion = Champion(run="r1", specialist="analysis", base="tiny", base_digest=asked.base.digest, adapter="meant")
    (folder / ABOUT).write_bytes(msgspec.json.encode(champion))
    contestants = (Contestant(name="champion-analysis", adapter=str(folder)),)
    with pytest.raises(binding.Tampered, match="isn't the one that run r1 published"):
        msgspec.structs.replace(asked, contestants=contestants).run(lambda step: None)


def test_the_stage_stops_at_a_data_set_that_was_edited(tiny: Path, dataset: Path, tmp_path: Path) -> None:
    assembled = tmp_path / "assemble"
    shutil.copytree(dataset, assembled / "dataset")
    made = Manifest(
        stage="assemble", key="k", code="c", settings={}, inputs={}, outputs=digest_folder(assembled), counts={}
    )
    (assembled / "manifest.json").write_bytes(msgspec.json.encode(made))
    with (assembled / "dataset" / "analysis" / "test.jsonl").open("a") as stream:
        stream.write("\n")
    inputs = {"assemble": assembled, "parse": tmp_path, "train-analysis": tmp_path, "train-codefix": tmp_path}
    with pytest.raises(binding.Tampered, match=r"dataset/analysis/test\.jsonl changed since the data set was made"):
        Evaluate().run(context(tiny, inputs, tmp_path))


def test_the_stage_stops_at_an_adapter_that_training_did_not_make(tiny: Path, dataset: Path, tmp_path: Path) -> None:
    inputs = {"assemble": dataset.parent, "parse": tmp_path / "parse"}
    for stage, adapter in (("train-analysis", "one"), ("train-codefix", "other")):
        inputs[stage] = tmp_path / stage
        shutil.copytree(tiny / adapter, inputs[stage] / "model")
        made = Manifest(
            stage=stage,
            key="k",
            code="c",
            settings={},
            inputs={},
            outputs=digest_folder(inputs[stage]),
            counts={"base_digest": digest(tiny / "base")},
        )
        (inputs[stage] / "manifest.json").write_bytes(msgspec.json.encode(made))
    shutil.copy(tiny / "one" / "adapters.safetensors", tmp_path / "train-codefix" / "model" / "adapters.safetensors")
    with pytest.raises(binding.Tampered, match=r"The adapter of stage-2 was swapped: adapters\.safetensors"):
        Evaluate().run(context(tiny, inputs, tmp_path))


def context(tiny: Path, inputs: dict[str, Path], folder: Path) -> Context:
    (folder / "work").mkdir()
    return Context(
        folder=folder / "evaluate",
        work=folder / "work",
        inputs=inputs,
        request=Request(artifacts="a", artifacts_digest="d"),
        settings=Settings(
            fine_tuning=FineTuning(base_model_name=str(tiny / "base")),
            evaluation=msgspec.structs.replace(QUICK, max_answers=1, max_fixes=0),
        ),
        progress=lambda _: None,
        warnings=[],
    )


def test_the_command_measures_any_adapter_and_the_gate_exits_4(
    tiny: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("evaluation:\n  max_answers: 1\n  max_fixes: 0\n  max_explanations: 0\n  answer_tokens: 16\n")
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    words = ["evaluate", "--model", f"analysis={tiny / 'one'}", "--dataset", str(dataset), "--gate", "--json"]
    words += ["--base-model", str(tiny / "base"), "--to", str(tmp_path / "out"), "--config", str(settings)]
    with pytest.raises(Error, match="The analysis specialist isn't better than base") as raised:
        command.run(parser.parse_args(words))
    assert raised.value.exit_code == 4
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["verdict"]["better"] is False
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def test_what_was_measured_otherwise_is_not_gone_on_from(
    tiny: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = argparse.Namespace(
        model=[f"one={tiny / 'one'}"], dataset=str(dataset), base_model=str(tiny / "base"), to=str(tmp_path),
        output_dir=str(tmp_path),
    )  # fmt: skip
    settings = Settings()
    works = [command._session(arguments, settings).work for _ in range(2)]
    quantised = msgspec.structs.replace(settings.fine_tuning, quantization="4bit")
    works.append(command._session(arguments, msgspec.structs.replace(settings, fine_tuning=quantised)).work)
    monkeypatch.setattr("pipeline.code.code_digest", lambda: "newer")
    works.append(command._session(arguments, settings).work)
    assert len(set(works)) == 3 and works[0] == works[1]


def test_half_a_line_is_cut_off_and_made_again(tmp_path: Path) -> None:
    loss = Loss(question="q", model="m", kind="analysis", total=1.0, tokens=2)
    path = tmp_path / "losses.jsonl"
    write_records(path, [loss])
    path.write_bytes(path.read_bytes() + b'{"question":"r"')
    with Lines(path, Loss) as lines:
        assert lines.records == [loss]
        lines.append(msgspec.structs.replace(loss, question="r"))
    assert [one.question for one in read_records(path, Loss)] == ["q", "r"]


@pytest.mark.parametrize("torn", [b"\0" * 300, b"{}\n", b'{"kind":1}\n', b"\xff\n", b'{"question":"r"}', b"\n"])
def test_what_comes_after_a_line_that_is_no_record_is_made_again(tmp_path: Path, torn: bytes) -> None:
    loss = Loss(question="q", model="m", kind="analysis", total=1.0, tokens=2)
    path = tmp_path / "losses.jsonl"
    write_records(path, [loss])
    whole = path.read_bytes()
    path.write_bytes(whole + torn + whole)
    with Lines(path, Loss) as lines:
        assert lines.records == [loss]
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "names", [("base",), ("a/b",), ("champion-analysis",), ("",), ("one", "one"), ("analysis", "stage-1")]
)
def test_a_name_that_means_another_model_or_two_is_refused(tiny: Path, names: tuple[str, ...]) -> None:
    pairs = [f"{name}={tiny / 'one'}" for name in names]
    with pytest.raises(UsageError, match=f"--model {pairs[-1]}: "):
        command.models(argparse.Namespace(model=pairs), tiny)


def test_a_fused_model_is_measured_directly_and_says_what_its_adapter_says(
    measured, tiny: Path, dataset: Path, tmp_path: Path
) -> None:
    work, _ = measured
    script = (
        "import sys; from pathlib import Path\n"
        "from pipeline.models import blas; blas.load()\n"
        "from pipeline.training.mlx.fuse import fuse\n"
        "fuse(*map(Path, sys.argv[1:]))\n"
    )
    folders = [str(tiny / "base"), str(tiny / "one"), str(tmp_path / "fused")]
    environment = blas.environment(os.environ | {"PYTHONPATH": str(ROOT)})
    subprocess.run([sys.executable, "-c", script, *folders], check=True, env=environment)
    asked = session(tiny, dataset, tmp_path / "work")
    fused = Contestant(name="fused", base=str(tmp_path / "fused"))
    report, _ = msgspec.structs.replace(asked, contestants=(fused,)).run(lambda step: None)
    alone, together = answers(work, "one"), answers(tmp_path / "work", "fused")
    assert {name: one.text for name, one in together.items()} == {name: one.text for name, one in alone.items()}
    assert report.binding["other_models"]["fused"].keys() >= {"config.json", "model.safetensors"}
    assert report.details["fused"]["fused"] is None
