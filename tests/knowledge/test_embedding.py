"""The real sentence model: unit vectors, like texts near, the same alone and in a batch."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from pipeline.knowledge.embedding import embedder
from pipeline.knowledge.interface import KnowledgeError


def test_like_sentences_are_near_and_a_batch_changes_nothing() -> None:
    model = embedder("embedded")
    texts = [
        "A password is written in the code.",
        "Hard-coded credentials",
        "The cat sleeps on the sofa all day long, as cats do.",
    ]
    rows = model.embed(texts)
    assert rows.shape == (3, 384) and numpy.allclose(numpy.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2] + 0.3
    assert numpy.allclose(rows[0], model.embed(texts[:1])[0], atol=1e-5)


def test_the_numbers_are_those_of_the_reference() -> None:
    row = embedder("embedded").embed(["This is an example sentence"])[0]
    assert numpy.allclose(row[:5], [0.0677, 0.0635, 0.0487, 0.0793, 0.0374], atol=5e-4)


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"config\.json is missing"):
        embedder(str(tmp_path))
