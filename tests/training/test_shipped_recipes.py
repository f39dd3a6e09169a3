"""The recipes that ship are recipes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from pipeline.training.recipe import Recipe

FOLDER = Path(__file__).parents[2] / "fine-tuning" / "recipes"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_recipe_is_read_strictly(path: Path) -> None:
    assert msgspec.convert(yaml.safe_load(path.read_text()), Recipe) != Recipe(learning_rate=0.5)


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"learning_rat": 1e-4}, Recipe)
