"""The recipes that ship are recipes, found by name, and in the wheel."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from config.errors import UsageError
from pipeline.training.recipe import Recipe
from pipeline.training.shipped import changed, names, read

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "fine-tuning" / "recipes"


def test_every_recipe_of_the_workspace_is_found_by_name() -> None:
    assert names() == tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
    assert {"default", "small-memory", "upper-layers"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_a_shipped_recipe_is_read_strictly(name: str) -> None:
    assert read(name) != Recipe(learning_rate=0.5)


def test_they_are_package_data() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    found = [path for pattern in patterns["pipeline.training"] for path in (ROOT / "pipeline/training").glob(pattern)]
    assert sorted(path.stem for path in found) == list(names())


def test_an_own_recipe_is_a_file_and_its_numbers_may_look_like_text_to_yaml(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("learning_rate: 1e-5\nrank: 8\ntarget_modules: [q_proj]\n")
    assert read(str(path)) == Recipe(learning_rate=1e-5, rank=8, target_modules=("q_proj",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rat: 1e-4", "learning_rat"),
        ("rank: 0", "rank"),
        ("rank: [", "can't be used"),
        ("- 1", "can't be used"),
    ],
)
def test_a_wrong_recipe_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read(str(path))


def test_a_recipe_that_is_not_there_says_which_are() -> None:
    with pytest.raises(UsageError, match="no recipe") as caught:
        read("no-such-recipe")
    assert "small-memory" in caught.value.hint


def test_a_changed_value_keeps_the_rest_and_its_bounds() -> None:
    assert changed(Recipe(rank=8), batch_size=2, max_epochs=None) == Recipe(rank=8, batch_size=2)
    with pytest.raises(UsageError, match="batch_size"):
        changed(Recipe(), batch_size=0)
