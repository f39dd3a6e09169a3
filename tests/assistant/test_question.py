"""The prompt a person is shown is the very prompt of the data set, and what is in it can't talk to a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from config.errors import UsageError
from config.settings import Settings
from daemon.cli import main
from pipeline.assistant.question import material_of
from pipeline.dataset.assemble import Assemble
from pipeline.knowledge.retrieve import Retrieve
from pipeline.records import (
    Domain,
    Excerpt,
    FileLocation,
    Finding,
    Fix,
    FixSource,
    Outcome,
    Rule,
    Scanner,
    Severity,
    Tier,
)
from pipeline.stage import MANIFEST, Context, Manifest, Request, read_records, write_records
from pipeline.verification.service import verdict_of

REQUEST = Request(artifacts="a", artifacts_digest="d")


def finding(number: int, message: str = "query built from a string") -> Finding:
    return Finding(
        fingerprint=f"{number:x}" * 64, scanner=Scanner(name="bandit"), rule=Rule(id="B608", cwes=(89,)),
        severity=Severity.HIGH, domain=Domain.SAST, message=message,
        location=FileLocation(path=f"app/file{number}.py", start_line=2, end_line=2),
    )  # fmt: skip


def excerpt(one: Finding, number: int) -> Excerpt:
    text = f"def read{number}(name):\n    query{number}(f'select {{name}} from table{number}')\n"
    return Excerpt(
        fingerprint=one.fingerprint, path=f"app/file{number}.py", start_line=1, text=text, flagged=(2, 2),
        language="python", tier=Tier.PARSED, symbol=f"read{number}",
    )  # fmt: skip


def fix(one: Finding, number: int) -> Fix:
    return Fix(
        fingerprint=one.fingerprint, source=FixSource.HISTORY, path=f"app/file{number}.py", start_line=2, end_line=2,
        before=f"    query{number}(f'select {{name}} from table{number}')\n",
        replacement=f"    query{number}('select ? from table{number}', name)\n",
    )  # fmt: skip


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A workspace with one run up to its data set."""
    run = tmp_path / "runs" / "abc"
    findings = [finding(number) for number in range(1, 13)]
    fixes = [fix(one, number) for number, one in enumerate(findings, 1)]
    write_records(run / "parse/findings.jsonl", findings)
    write_records(run / "locate/excerpts.jsonl", [excerpt(one, number) for number, one in enumerate(findings, 1)])
    write_records(run / "mine/fixes.jsonl", fixes)
    write_records(run / "verify/verdicts.jsonl", [verdict_of(one, Outcome.VERIFIED, "seen") for one in fixes])
    settings = msgspec.convert({"knowledge": {"embedding_model": "none"}}, Settings)
    for stage in (Retrieve(), Assemble()):
        folder = run / stage.name
        folder.mkdir(parents=True)
        inputs = {name: run / name for name in stage.needs}
        stage.run(
            Context(
                folder=folder, work=tmp_path, inputs=inputs, request=REQUEST, settings=settings,
                progress=lambda _: None, warnings=[],
            )
        )  # fmt: skip
    for name in ("parse", "locate", "mine", "verify", "retrieve", "assemble"):
        told = {"characters": settings.knowledge.characters} if name == "assemble" else {}
        manifest = Manifest(stage=name, key="k", code="c", settings=told, inputs={}, outputs={}, counts={})
        (run / name / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    (tmp_path / "latest").symlink_to("runs/abc")
    return tmp_path


def told(output: Path, name: str, capsys: pytest.CaptureFixture[str]) -> dict:
    assert main(["explain", name, "--show-prompt", "--json", "--output-dir", str(output)]) == 0
    return json.loads(capsys.readouterr().out)


def examples(output: Path) -> list[dict]:
    files = sorted((output / "latest/assemble/dataset/analysis").glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def test_the_prompt_shown_is_the_prompt_learned(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learned = {
        (one["metadata"]["fingerprint"], one["messages"][1]["content"])
        for one in examples(output)
        if one["metadata"]["label"] == "vulnerable"
    }
    same = 0
    for fingerprint, content in learned:
        shown = told(output, fingerprint, capsys)["messages"]
        assert [one["role"] for one in shown] == ["system", "user"]
        same += shown[1]["content"] == content
        assert "<code path=app/file" in shown[1]["content"] and 'id="CWE-89"' in shown[1]["content"]
    assert same >= len(learned) // 2  # the rest showed the fix of a held-out finding


def test_a_known_fix_of_another_place_is_in_the_prompt_and_never_its_own(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 13):
        content = told(output, f"{number:x}" * 64, capsys)["messages"][1]["content"]
        assert content.count('id="fix:') == 1 and "Fixed:" in content
        assert f"query{number}('select ?" not in content


def test_no_prompt_of_the_data_set_shows_the_fix_of_a_held_out_finding(output: Path) -> None:
    made = examples(output)
    held_out = {one["metadata"]["fingerprint"] for one in made if one["metadata"]["split"] != "train"}
    prompts = [one["messages"][1]["content"] for one in made]
    assert held_out and any('id="fix:' in prompt for prompt in prompts)
    assert not [name for name in held_out for prompt in prompts if f'id="fix:{name}"' in prompt]
    assert all(prompt.count("<finding ") == prompt.count("<code ") == 1 for prompt in prompts)


def test_a_finding_is_named_by_the_start_of_its_id_or_its_place(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_place = told(output, "app/file3.py:2", capsys)
    assert by_place == told(output, "3333", capsys) and by_place["finding"]["fingerprint"] == "3" * 64
    for name in ("333", "9999999999x", "app/file3.py:1"):
        with pytest.raises(UsageError, match="No finding"):
            material_of(output / "latest", name, 100)


def test_without_a_specialist_it_says_what_to_do(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "3333", "--output-dir", str(output)]) == 2
    assert "--skip-fine-tuning" in capsys.readouterr().err


def test_an_unfinished_run_is_named(output: Path) -> None:
    (output / "latest/retrieve" / MANIFEST).unlink()
    with pytest.raises(UsageError, match="hasn't finished its stage retrieve"):
        material_of(output / "latest", "3333", 100)


def test_nothing_in_the_prompt_reaches_the_terminal_as_an_escape(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = output / "latest/locate/excerpts.jsonl"
    changed = [
        msgspec.structs.replace(one, text=one.text + "# \x1b[31mred\x07\n") for one in read_records(path, Excerpt)
    ]
    write_records(path, changed)
    assert main(["explain", "3333", "--show-prompt", "--output-dir", str(output)]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\\u001b[31mred" in shown
