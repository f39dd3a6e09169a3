"""Other forms hold the same examples, in the shape their readers expect, and the validator finds faults."""

import json

import pytest
from samples import excerpt, finding, fix, package

from config.errors import InputRefused
from daemon.cli import main
from pipeline.dataset.examples import Material, examples
from pipeline.dataset.exports.alpaca import problems
from pipeline.dataset.exports.interface import DataSet
from pipeline.dataset.exports.registry import EXPORTS, export
from pipeline.records import Domain, Outcome, Verdict
from pipeline.stage import write_records

VERDICT = Verdict(fingerprint="f1", fix="x", outcome=Outcome.VERIFIED, evidence="two CI scans")


@pytest.fixture
def data(tmp_path):
    """A data set of three materials: two of code, one of a package; the container's is held out."""
    folder = tmp_path / "dataset"
    code = Material(finding=finding(), excerpt=excerpt(), fixes=((fix(), VERDICT),))
    image = Material(
        finding=finding("f2", "Dockerfile", domain=Domain.CONTAINER),
        excerpt=excerpt("f2", "Dockerfile"),
        fixes=((fix("f2", "Dockerfile"), VERDICT),),
    )
    made = {"train": [*examples(code), *examples(Material(finding=package()))], "test": list(examples(image))}
    for part in ("train", "valid", "test"):
        for kind in ("analysis", "codefix"):
            write_records(folder / kind / f"{part}.jsonl", [one for of, one in made.get(part, []) if of == kind])
    return folder


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_form_is_written_twice_with_the_same_bytes(data, tmp_path):
    names = [one.name for one in EXPORTS]
    for target in ("one", "two"):
        export(data, tmp_path / target, names)
    files = sorted(path for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert {path.relative_to(tmp_path / "one").parts[0] for path in files} == {*names, "export_info.json"}
    for path in files:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_chat_and_completions_hold_what_was_asked_and_answered(data, tmp_path):
    export(data, tmp_path, ["chat", "completions"])
    for kind in ("analysis", "codefix"):
        source = rows(data / kind / "train.jsonl")
        assert [row["messages"] for row in source] == [
            row["messages"] for row in rows(tmp_path / "chat" / kind / "train.jsonl")
        ]
        for given, row in zip(source, rows(tmp_path / "completions" / kind / "train.jsonl"), strict=True):
            assert set(row) == {"prompt", "completion"}
            assert row["completion"] == given["messages"][2]["content"]
            assert row["prompt"].startswith(given["messages"][0]["content"])
            assert row["prompt"].endswith(given["messages"][1]["content"])


def test_alpaca_has_a_set_for_each_domain_and_the_validator_is_content(data, tmp_path):
    written = export(data, tmp_path, ["alpaca"])["alpaca"]
    assert written == {"container/test.json": 3, "sast/train.json": 3, "sca/train.json": 1}
    assert list(problems(tmp_path / "alpaca")) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda made: made[0].pop("input"), "must hold"),
        (lambda made: made[0].update(extra="x"), "must hold"),
        (lambda made: made[0].update(output=" "), "output is empty"),
        (lambda made: made[0].update(input=3), "must be texts"),
        (lambda made: made.append(made[0]), "asked already"),
        (list.clear, "no list of examples"),
    ],
)
def test_the_validator_names_each_fault(data, tmp_path, change, fault):
    export(data, tmp_path, ["alpaca"])
    path = tmp_path / "alpaca" / "sast" / "train.json"
    made = json.loads(path.read_text())
    change(made)
    path.write_text(json.dumps(made))
    found = list(problems(tmp_path / "alpaca"))
    assert len(found) == 1
    assert found[0].startswith("sast/train.json")
    assert fault in found[0]


def test_a_second_answer_to_a_question_is_no_fault_in_its_own_file_only(data, tmp_path):
    export(data, tmp_path, ["alpaca"])
    path = tmp_path / "alpaca" / "sast" / "train.json"
    made = json.loads(path.read_text())
    other = made[0] | {"output": "another right answer"}
    path.write_text(json.dumps([*made, other]))
    assert list(problems(tmp_path / "alpaca")) == []
    (tmp_path / "alpaca" / "sast" / "test.json").write_text(json.dumps([other]))
    assert len(list(problems(tmp_path / "alpaca"))) == 2


def test_what_is_asked_in_train_and_in_test_is_a_fault(data, tmp_path):
    export(data, tmp_path, ["alpaca"])
    (tmp_path / "alpaca" / "sast" / "test.json").write_bytes((tmp_path / "alpaca" / "sast" / "train.json").read_bytes())
    assert len(list(problems(tmp_path / "alpaca"))) == 3


def test_infrastructure_is_one_word_then_why_and_every_secure_has_its_twin(data, tmp_path):
    written = export(data, tmp_path, ["infrastructure"])["infrastructure"]
    assert written == {"all/test.jsonl": 2, "docker/test.jsonl": 2}
    made = rows(tmp_path / "infrastructure" / "all" / "test.jsonl")
    assert [row["output"].split("\n")[0] for row in made] == [row["label"] for row in made] == ["INSECURE", "SECURE"]
    assert "yaml.safe_load" in made[1]["input"]
    assert not any(row["output"].split("\n")[1].startswith("{") for row in made)


def test_parquet_gives_back_what_went_in_with_one_schema(data, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export(data, tmp_path, ["parquet"])
    files = sorted((tmp_path / "parquet").rglob("*.parquet"))
    assert len(files) == 6
    assert len({parquet.read_schema(path).to_string() for path in files}) == 1
    for kind in ("analysis", "codefix"):
        read = parquet.read_table(tmp_path / "parquet" / kind / "train-00000-of-00001.parquet").to_pylist()
        source = rows(data / kind / "train.jsonl")
        assert [row["messages"] for row in read] == [row["messages"] for row in source]
        assert [row["cwes"] for row in read] == [row["metadata"]["cwes"] for row in source]


def test_no_column_of_parquet_is_left_empty_by_mistake(data, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export(data, tmp_path, ["parquet"])
    columns = set(parquet.read_schema(tmp_path / "parquet/codefix/train-00000-of-00001.parquet").names)
    known = {key for path in data.rglob("*.jsonl") for row in rows(path) for key in row["metadata"]}
    assert known - {"place", "code", "companions"} <= columns


def test_a_folder_without_a_data_set_is_refused(tmp_path):
    with pytest.raises(InputRefused, match="no data set"):
        DataSet.read(tmp_path)


def test_the_command_exports_and_checks(data, tmp_path, capsys):
    assert main(["dataset", "export", str(data), "--to", str(tmp_path / "out"), "--format", "alpaca"]) == 0
    assert "sast/train.json  3" in capsys.readouterr().out
    assert main(["dataset", "check", str(tmp_path / "out")]) == 0
    (tmp_path / "out/alpaca/sca/train.json").write_text("{}")
    assert main(["dataset", "check", str(tmp_path / "out")]) == 3
    assert "sca/train.json: no list of examples" in capsys.readouterr().err
