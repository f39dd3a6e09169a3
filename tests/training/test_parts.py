"""Data sets in their several forms, and what is trained on each."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import InputRefused
from pipeline.training.parts import parts

from .conftest import write


def dataset(folder: Path, fixes: int = 3) -> Path:
    for kind, count in (("analysis", 4), ("codefix", fixes)):
        (folder / kind).mkdir(parents=True)
        write(folder / kind / "train.jsonl", range(count), kind)
        write(folder / kind / "valid.jsonl", range(20, 22), kind)
    return folder


def test_our_data_set_is_two_trainings_the_second_going_on_from_the_first(tmp_path: Path) -> None:
    one, two = parts(dataset(tmp_path / "data"), tmp_path / "work", sequential=True)
    assert (one.name, two.name, two.after) == ("analysis", "codefix", one)
    assert two.valid == tmp_path / "data/codefix/valid.jsonl"


def test_without_fixes_there_is_one_training(tmp_path: Path) -> None:
    assert [part.name for part in parts(dataset(tmp_path / "data", 0), tmp_path / "work", True)] == ["analysis"]


def test_not_sequential_is_one_training_on_every_example_of_both_kinds(tmp_path: Path) -> None:
    (part,) = parts(dataset(tmp_path / "data"), tmp_path / "work", sequential=False)
    for name, file in (("train", part.train), ("valid", part.valid)):
        wanted = [
            line for kind in ("analysis", "codefix") for line in lines(tmp_path / "data" / kind / f"{name}.jsonl")
        ]
        assert lines(file) == wanted


def test_a_folder_with_train_and_valid_is_taken_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", range(3))
    write(tmp_path / "valid.jsonl", range(2))
    (part,) = parts(tmp_path, tmp_path / "work", sequential=True)
    assert (part.train, part.valid) == (tmp_path / "train.jsonl", tmp_path / "valid.jsonl")


@pytest.mark.parametrize("folder", [True, False])
def test_what_has_no_validation_gives_a_tenth_and_no_example_is_on_both_sides(tmp_path: Path, folder: bool) -> None:
    source = write(tmp_path / "train.jsonl", range(40))
    source.write_text(source.read_text() * 2)
    (part,) = parts(tmp_path if folder else source, tmp_path / "work", sequential=True)
    train, valid = lines(part.train), lines(part.valid)
    assert sorted([*train, *valid]) == sorted(lines(source))
    assert not set(train) & set(valid) and len(set(valid)) == 4
    assert parts(source, tmp_path / "other", True)[0].valid.read_bytes() == part.valid.read_bytes()


def test_of_a_handful_nothing_is_held_out(tmp_path: Path) -> None:
    source = write(tmp_path / "few.jsonl", range(9))
    (part,) = parts(source, tmp_path / "work", sequential=True)
    assert len(lines(part.train)) == 9 and not lines(part.valid)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no data set"):
        parts(tmp_path, tmp_path / "work", sequential=True)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
