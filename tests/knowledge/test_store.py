# ruff: noqa: E501
"""The index: equal contents, equal answers, however it came to hold them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.knowledge.interface import Entry, KnowledgeError
from pipeline.knowledge.query import match, query
from pipeline.knowledge.remembering import Remembering
from pipeline.knowledge.retrieval import Retrieval
from pipeline.knowledge.store import Store
from pipeline.records import Passage
from tests.knowledge.samples import HashedWords

WORDS = st.lists(st.sampled_from(["sql", "injection", "command", "shell", "path", "traversal", "hash", "weak", "key", "é", "漢字"]), min_size=1, max_size=8)  # fmt: skip


def entry(name: str, text: str, cwe: int | None = None, group: str = "note") -> Entry:
    passage = Passage(id=name, title=name, text=text, source="s", licence="l", cwe=cwe)
    votes = () if cwe is None else (cwe,)
    return Entry(
        passage=passage, group=group, title=name, summary=text, meaning=text, keys=(f"key:{name}",), votes=votes
    )


def ask(store: Store, text: str) -> list[tuple[str, float]]:
    ranked = Retrieval(store, HashedWords()).rank(query(text, "", text), 10)
    return [(one.entry.passage.id, one.score) for one in ranked]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from("abcdefgh"), WORDS, max_size=8), min_size=1, max_size=4), WORDS)
def test_a_changed_index_answers_like_a_new_one(
    tmp_path: Path, states: list[dict[str, list[str]]], asked: list[str]
) -> None:
    for name in ("changed", "new"):
        (tmp_path / name).unlink(missing_ok=True)
    with Store(tmp_path / "changed", HashedWords()) as changed, Store(tmp_path / "new", HashedWords()) as new:
        for state in states:
            entries = [entry(name, " ".join(words)) for name, words in state.items()]
            changed.synchronise(entries)
        new.synchronise(list(reversed(entries)))
        assert changed.entries() == new.entries()
        assert ask(changed, " ".join(asked)) == ask(new, " ".join(asked))


def test_only_what_is_new_is_embedded_and_another_model_starts_over(tmp_path: Path) -> None:
    first = HashedWords()
    with Store(tmp_path / "i", first) as store:
        store.synchronise([entry("a", "one"), entry("b", "two")])
        assert store.synchronise([entry("a", "one"), entry("c", "three")]) == 1
    assert sorted(first.embedded) == ["one", "three", "two"]
    other = HashedWords()
    other.digest = "another"
    with Store(tmp_path / "i", other) as store:
        assert store.count() == 0
        store.synchronise([entry("a", "one")])
    assert other.embedded == ["one"]


def test_rules_filed_under_a_cwe_lift_it(tmp_path: Path) -> None:
    with Store(tmp_path / "i", HashedWords()) as store:
        store.synchronise([
            entry("CWE-1", "something abstract", 1, "cwe"), entry("CWE-2", "blue bananas", 2, "cwe"),
            entry("rule", "green apples are bad", 1, "rule"),
        ])  # fmt: skip
        ranked = Retrieval(store, HashedWords()).rank(query("green apples", "", "green apples"), 1, groups=("cwe",))
    assert ranked[0].entry.passage.id == "CWE-1"


@pytest.mark.parametrize("text", ['" OR *', "NEAR(a b)", "a AND NOT b", "title:x", "^a", "", "'; DROP TABLE entries"])
def test_no_text_is_syntax_of_the_search(tmp_path: Path, text: str) -> None:
    with Store(tmp_path / "i", None) as store:
        store.synchronise([entry("a", "one")])
        assert Retrieval(store, None).rank(query(text, text, text), 5) is not None
    assert '""' not in match(query(text, text, text).title)


def test_a_broken_index_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "i").write_bytes(b"not an index" * 1000)
    with pytest.raises(KnowledgeError, match="can't be used") as caught:
        Store(tmp_path / "i", None)
    assert "built again" in caught.value.hint


def test_vectors_are_computed_once_a_machine(tmp_path: Path) -> None:
    inner = HashedWords()
    for _ in range(2):
        model = Remembering(inner, tmp_path / "v")
        rows = model.embed(["one", "two", "one"])
        assert (rows[0] == rows[2]).all() and rows.shape == (3, 64)
        assert model.embed([]).shape[0] == 0
        model.close()
    assert sorted(inner.embedded) == ["one", "two"]
    assert b"one" not in (tmp_path / "v").read_bytes()
