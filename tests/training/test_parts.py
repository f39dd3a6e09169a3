"""Data sets in their several forms, and what is trained on each."""

from __future__ import annotations

import json
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


def test_a_line_keeps_its_number_in_what_is_trained_on_and_in_what_is_held_out(tmp_path: Path) -> None:
    source = write(tmp_path / "chat.jsonl", range(25))
    source.write_text("\n" + source.read_text())
    (part,) = parts(source, tmp_path / "work", sequential=True)
    whole = source.read_text().splitlines()
    for path in (part.train, part.valid):
        assert all(line in ("", whole[number]) for number, line in enumerate(path.read_text().splitlines()))
    assert len(lines(part.train)) + len(lines(part.valid)) == 25 and len(lines(part.valid)) == 2


def test_a_bad_line_is_named_as_it_stands_in_the_persons_own_file(tmp_path: Path) -> None:
    source = write(tmp_path / "chat.jsonl", range(25))
    source.write_text(source.read_text() + "{oops\n")
    with pytest.raises(InputRefused, match=r"chat\.jsonl, line 26 is not JSON"):
        parts(source, tmp_path / "work", sequential=True)


def test_files_without_a_line_end_are_mixed_line_by_line(tmp_path: Path) -> None:
    data = dataset(tmp_path / "data")
    for kind in ("analysis", "codefix"):
        path = data / kind / "train.jsonl"
        path.write_text(path.read_text().rstrip())
    (part,) = parts(data, tmp_path / "work", sequential=False)
    assert [len(json.loads(line)["messages"]) for line in lines(part.train)] == [3] * 7


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no data set"):
        parts(tmp_path, tmp_path / "work", sequential=True)


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line]
