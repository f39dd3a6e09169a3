"""lm-eval's own tasks from local YAML, before and after a training that learned their answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.models import blas

blas.load()

from config.errors import InputRefused  # noqa: E402
from daemon.cli import main  # noqa: E402
from pipeline.evaluation import regression  # noqa: E402
from pipeline.evaluation.measurement import Contestant  # noqa: E402
from pipeline.models import tiny  # noqa: E402
from tests.training.conftest import write  # noqa: E402

TASK = """
task: which_cwe
dataset_path: json
dataset_kwargs: {data_files: {test: which-cwe.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: acc}]
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Return a folder with one task: questions as the trained template writes them, and which answer is right."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "which-cwe.yaml").write_text(TASK)
    rows = []
    for number in range(8):
        answer = number % 2
        question = f"<|user|>\nproblem {answer}\n<|assistant|>\n"
        rows.append({"question": question, "choices": ['{"cwe": 89}', '{"cwe": 79}'], "answer": answer})
    (folder / "which-cwe.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_the_base_and_an_adapter_answer_the_same_tasks_offline(tmp_path: Path, tasks: Path) -> None:
    base = tiny.make(tmp_path / "base", "llama")
    turns = [
        [("user", f"problem {number % 2}"), ("assistant", json.dumps({"cwe": (89, 79)[number % 2]}))]
        for number in range(12)
    ]
    lines = [json.dumps({"messages": [{"role": role, "content": text} for role, text in one]}) for one in turns]
    (tmp_path / "train.jsonl").write_text("\n".join(lines) + "\n")
    write(tmp_path / "valid.jsonl", range(20, 24))
    command = ["train", "--dataset", str(tmp_path), "--output-name", "one", "--base-model", str(base), "--json"]
    options = [
        "--max-epochs",
        "12",
        "--learning-rate",
        "1e-2",
        "--batch-size",
        "4",
        "--output-dir",
        str(tmp_path / "w"),
    ]
    assert main([*command, *options]) == 0
    adapter = str(tmp_path / "w" / "trained" / "one")
    found = regression.measure(base, (Contestant(name="base"), Contestant(name="after", adapter=adapter)), tasks)
    assert found.keys() == {"base", "after"}
    assert found["after"]["which_cwe"]["acc"] == 1.0 > found["base"]["which_cwe"]["acc"]
    assert "acc_stderr" in found["base"]["which_cwe"]


def test_a_folder_without_tasks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no lm-eval task"):
        regression.names(tmp_path)
