"""`fixsmith train`: from a data set to adapters, figures and a loss curve."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.cli import main

from .conftest import write
from .test_parts import dataset

SETTINGS = """
fine_tuning: {rank: 4, alpha: 8, warmup_steps: 1, eval_steps: 2, dropout: 0, batch_size: 4, max_epochs: 1}
"""


@pytest.fixture
def train(tmp_path: Path, models: Callable[[str], Path]) -> Callable[..., int]:
    """Return a function that runs the command on a data set with a tiny model."""
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    common = ["--base-model", str(models("olmo2")), "--output-dir", str(tmp_path / "workspace")]
    common += ["--config", str(tmp_path / "settings.yaml")]

    def run(data: Path, name: str, *more: str) -> int:
        return main(["train", "--dataset", str(data), "--output-name", name, *common, *more])

    return run


def test_a_data_set_gives_two_adapters_each_with_its_loss_curve(train, tmp_path: Path, capsys) -> None:
    assert train(dataset(tmp_path / "data"), "mine", "--learning-rate", "0.005", "--max-epochs", "2") == 0
    made = tmp_path / "workspace/trained/mine"
    for name in ("analysis", "codefix"):
        assert (made / name / "adapters.safetensors").stat().st_size > 1000
        assert (made / name / "peft/adapter_model.safetensors").stat().st_size > 1000
        assert (made / name / "loss.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr()
    assert f"{made / 'codefix'}\n" in said.out and "validation loss" in said.out
    assert "analysis 2/2: training loss" in said.err and "tokens/s" in said.err and "GB" in said.err
    assert json.loads((made / "codefix/result.json").read_text())["replay_loss_before"] is not None


def test_the_same_command_again_is_done_at_once_and_another_recipe_is_refused(train, tmp_path: Path, capsys) -> None:
    data = write(tmp_path / "chat.jsonl", range(12))
    assert train(data, "mine", "--json") == 0
    first = (tmp_path / "workspace/trained/mine/adapters.safetensors").read_bytes()
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["step"] for event in events if event["kind"] == "step"] == [1, 2, 3]
    assert events[-1]["kind"] == "result" and events[-1]["examples"] == 11
    assert train(data, "mine", "--json") == 0
    assert '"kind":"step"' not in capsys.readouterr().out
    assert (tmp_path / "workspace/trained/mine/adapters.safetensors").read_bytes() == first
    assert train(data, "mine", "--batch-size", "2") == 2
    assert "--output-name" in capsys.readouterr().err


def test_flags_come_before_the_recipe_and_the_recipe_before_the_settings(train, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("rank: 2\nalpha: 4\nbatch_size: 1\n")
    data = write(tmp_path / "chat.jsonl", range(4))
    assert train(data, "x", "--recipe", str(tmp_path / "mine.yaml"), "--max-epochs", "1", "--batch-size", "3") == 0
    recipe = json.loads((tmp_path / "workspace/trained/.work/x/model/job.json").read_text())["recipe"]
    assert (recipe["rank"], recipe["batch_size"], recipe["max_epochs"]) == (2, 3, 1)


def test_what_was_made_is_never_overwritten_by_something_else(train, tmp_path: Path, capsys) -> None:
    data, chat = dataset(tmp_path / "data"), write(tmp_path / "chat.jsonl", range(1))
    earlier = tmp_path / "workspace/trained/earlier/codefix"
    earlier.mkdir(parents=True)
    (earlier / "adapters.safetensors").write_text("precious")
    assert train(chat, "earlier") == 2
    assert train(chat, "mine") == 0
    assert train(data, "mine") == 2
    assert train(write(tmp_path / "other.jsonl", range(5)), "mine") == 2
    capsys.readouterr()
    write(chat, range(6))
    assert train(chat, "mine") == 2
    assert "mine is there already, made from other data" in capsys.readouterr().err
    assert (earlier / "adapters.safetensors").read_text() == "precious"
    result = json.loads((tmp_path / "workspace/trained/mine/result.json").read_text())
    assert (result["examples"], result["examples_seen"], result["valid_loss_best"]) == (1, 1, None), "of one example"


def test_a_key_that_one_training_alone_cannot_apply_is_an_error(train, tmp_path: Path, capsys) -> None:
    (tmp_path / "held.yaml").write_text("kl_weight: 0.5\n")
    data = write(tmp_path / "chat.jsonl", range(4))
    assert train(data, "x", "--recipe", str(tmp_path / "held.yaml")) == 2
    assert "`kl_weight` keeps stage 2 near stage 1" in capsys.readouterr().err


def test_two_at_once_under_one_name_do_not_mix(train, tmp_path: Path, capsys) -> None:
    from pipeline.lock import exclusive

    with exclusive(tmp_path / "workspace/trained/.work/mine"):
        assert train(write(tmp_path / "chat.jsonl", range(4)), "mine") == 75
    assert "choose another --output-name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "chat.jsonl holds no conversation"),
        ("{}\n", "chat.jsonl, line 1 is not a conversation: Object missing required field `messages`"),
        ('[\n{"messages": []}]', "chat.jsonl, line 1 is not JSON"),
    ],
)
def test_a_file_that_is_no_data_set_says_why(train, tmp_path: Path, capsys, content: str, said: str) -> None:
    (tmp_path / "chat.jsonl").write_text(content)
    assert train(tmp_path / "chat.jsonl", "x") == 3
    assert said in capsys.readouterr().err


def test_a_workspace_that_cannot_be_written_is_said_in_a_sentence(train, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    data = write(tmp_path / "chat.jsonl", range(4))
    assert train(data, "x", "--output-dir", str(tmp_path / "file" / "workspace")) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'file'}" in said and ": Not a directory." in said


@pytest.mark.parametrize(
    ("more", "said", "code"),
    [
        (("--upload",), "The repositories have no name", 2),
        (("--batch-size", "0"), "batch_size", 2),
        (("--learning-rate", "nan"), "learning_rate", 2),
        (("--recipe", "nonsense"), "no recipe", 2),
        (("--output-name", "../up"), "no name", 2),
    ],
)
def test_wrong_use_says_so_and_trains_nothing(train, tmp_path: Path, capsys, more, said: str, code: int) -> None:
    assert train(write(tmp_path / "chat.jsonl", range(4)), "x", *more) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "workspace/trained/x").exists()


def test_what_is_no_data_set_is_refused(train, tmp_path: Path, capsys) -> None:
    assert train(tmp_path / "nothing", "x") == 3
    assert "no data set" in capsys.readouterr().err
