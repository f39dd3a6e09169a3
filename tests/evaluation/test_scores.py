"""Answers are read exactly, scored exactly, and never guessed."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation import fixes, pairs
from pipeline.evaluation.baselines import baselines, expected
from pipeline.evaluation.cwe import parents, related
from pipeline.evaluation.faithfulness import secrets, unsupported
from pipeline.evaluation.measurement import Answer, question_id
from pipeline.evaluation.neighbours import neighbour
from pipeline.evaluation.opening import Opening, hopeless, object_end, read_opening
from pipeline.evaluation.questions import draw
from pipeline.evaluation.scores import ANALYSIS, cwe, cwe_related, false_positives, overlap, score, unparsable
from pipeline.records import Example, Message
from tests.evaluation import fabricated

RIGHT = '{"cwe":"CWE-89","severity":"high","verdict":"vulnerable","lines":[4,6],"fix_kind":"code"}'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def test_an_opening_is_read_with_prose_after_it() -> None:
    assert read_opening(RIGHT + "\nLine 4 …") == Opening(
        cwe=89, severity="high", verdict="vulnerable", lines=(4, 6), fix_kind="code"
    )


@pytest.mark.parametrize(
    "text",
    ["", "The code is vulnerable. " + RIGHT, RIGHT[:-1], '{"severity":"high"}', "[1]", '{"cwe":"CWE-89"', "{'cwe'}"],
)
def test_what_is_no_opening_is_unparsable_and_not_guessed(text: str) -> None:
    assert read_opening(text) is None


def test_a_code_fence_is_forgiven() -> None:
    assert read_opening(f"```json\n{RIGHT}\n```") == read_opening(RIGHT)


@pytest.mark.parametrize("wrong", ['"89"', '"CWE-89 "', "89", '"CWE-"', "null", '["CWE-89"]'])
def test_a_cwe_in_another_form_is_none(wrong: str) -> None:
    found = read_opening('{"cwe":' + wrong + "}")
    assert found is not None and found.cwe is None


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4), st.text(max_size=20))
def test_the_object_ends_where_json_says(value: dict[str, object], prose: str) -> None:
    text = json.dumps(value)
    assert object_end(text + prose) == len(text)
    assert object_end(text[:-1]) is None


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    read_opening(text)
    hopeless(text)


@given(st.integers(0, 50), st.integers(0, 9), st.integers(0, 50), st.integers(0, 9))
def test_overlap_is_that_of_the_sets_of_lines(a: int, m: int, b: int, n: int) -> None:
    one, other = set(range(a, a + m + 1)), set(range(b, b + n + 1))
    assert overlap((a, a + m), (b, b + n)) == pytest.approx(len(one & other) / len(one | other) if one & other else 0.0)


def test_parent_and_child_count_but_siblings_do_not() -> None:
    assert related(564, 89) and related(89, 564)
    assert related(89, 943)
    assert not related(79, 89)
    assert len(parents()) > 900


def test_cwe_is_asked_only_where_there_is_one() -> None:
    example = fabricated.finding(0)
    assert cwe(example, read_opening(RIGHT)) == (1.0, 1.0)
    assert cwe(example, None) == (0.0, 1.0)
    assert cwe_related(example, Opening(cwe=564)) == (1.0, 1.0)
    nameless = example.messages[-1].content.replace('"CWE-89"', "null")
    changed = type(example)(
        messages=(*example.messages[:-1], type(example.messages[0])(role="assistant", content=nameless)),
        metadata=example.metadata,
    )
    assert cwe(changed, read_opening(RIGHT)) is None


def test_false_positives_are_safe_code_called_vulnerable() -> None:
    assert false_positives(fabricated.finding(1, safe=True), read_opening(RIGHT)) == (1.0, 1.0)
    assert false_positives(fabricated.finding(1), read_opening(RIGHT)) is None
    assert unparsable(fabricated.finding(1), None) == (1.0, 1.0)


def test_always_vulnerable_tells_no_pair_right() -> None:
    data = fabricated.held_out()
    examples = data.test["analysis"]
    said = {question_id(one): read_opening(RIGHT) for one in examples}
    made = pairs.pairwise(examples, said)
    assert len(made.items) == 12 and sum(item[0] for item in made.items) == 0
    assert pairs.outcomes(examples, said)["both vulnerable"] == 12


def test_recall_at_a_false_positive_rate_by_hand() -> None:
    truths = [True] * 4 + [False] * 10
    scores = [0.95, 0.8, 0.5, 0.1, 0.9, 0.6, *[0.05] * 8]
    assert pairs.recall_at(0.0, truths, scores) == 0.25
    assert pairs.recall_at(0.1, truths, scores) == 0.5
    assert pairs.recall_at(0.2, truths, scores) == 1.0
    assert pairs.recall_at(0.1, [True], [0.5]) is None
    assert pairs.recall_at(0.1, [True, False], [0.5, 0.5]) == 0.0


def test_separation_is_the_area_under_the_curve() -> None:
    stats = pytest.importorskip("scipy.stats")
    vulnerable, safe = [0.9, 0.4, 0.4, 0.7], [0.1, 0.4, 0.8]
    known = stats.mannwhitneyu(vulnerable, safe).statistic / 12
    assert pairs.separation([True] * 4 + [False] * 3, vulnerable + safe) == pytest.approx(known)


def test_a_separation_that_is_always_the_same_has_no_interval_of_no_width() -> None:
    examples = [fabricated.finding(number, safe=bool(number % 2), cluster=f"c{number // 2}") for number in range(4)]
    answers = {question_id(one): answered(one, float(one.metadata["label"] == "vulnerable")) for one in examples}
    made = pairs.detection(examples, answers)["separation"]
    assert (made.value, made.low, made.high) == (1.0, None, None)


def answered(example: Example, vulnerable: float) -> Answer:
    return Answer(
        question=question_id(example), model="m", text="", ending="end", tokens=1, prompt_tokens=1, seconds=0.1,
        logprob=0.0, vulnerable=vulnerable,
    )  # fmt: skip


def test_made_up_names_versions_and_weaknesses_are_found() -> None:
    prompt = "rule B608\n<code>\n>4  cursor.execute(query)\n</code> fixed in 2.3.1 CVE-2021-44228"
    answer = (
        RIGHT + "\nLine 4 reads `cursor.execute( query )`, CWE-89, fixed in 2.3.1. Replace `query` by `safe(query)`."
    )
    assert unsupported(answer, prompt) == ()
    assert unsupported(answer + " See `os.evil` and CVE-2020-1 since 9.9.9.", prompt) == (
        "os.evil",
        "CVE-2020-1",
        "9.9.9",
    )


def test_secret_shaped_output_is_counted() -> None:
    assert secrets("key AKIA" + "A" * 16 + " and ghp_" + "a" * 36) == 2
    assert secrets("no key here") == 0


def test_copies_and_no_ops_are_counted_as_such_and_never_verified() -> None:
    example = fabricated.fix(3)
    copied = fixes.propose(example, "    unsafe( arg3 )")
    assert (copied.check, copied.unchanged) == ("no-op", True)
    assert fixes.propose(example, " \n").check == "empty"
    assert fixes.propose(example, "    run(arg3)", finished=False).check == "unfinished"
    right = fixes.propose(example, "```python\n    run(arg3)\n```")
    assert (right.exact, right.check) == (True, None)
    said = fixes.Outcome.VERIFIED
    verdicts = [fixes.Verdict(fingerprint="f", fix="x", outcome=said, evidence="scanned")] * 2
    assert [one.verified for one in fixes.verified([copied, right], verdicts)] == [False, True]


def test_what_can_not_be_verified_stays_unknown() -> None:
    right = fixes.propose(fabricated.fix(3), "    run(arg3)")
    unknown = fixes.Verdict(fingerprint="f", fix="x", outcome=fixes.Outcome.UNVERIFIABLE, evidence="no scanner")
    assert fixes.verified([right], [unknown])[0].verified is None


def test_at_least_one_of_k_is_unbiased() -> None:
    assert fixes.at_least_one(5, 0, 3) == 0.0
    assert fixes.at_least_one(5, 1, 1) == pytest.approx(0.2)
    assert fixes.at_least_one(5, 3, 3) == 1.0
    with pytest.raises(ValueError, match="can't be drawn"):
        fixes.at_least_one(2, 1, 3)


def test_trivial_answers_know_training_and_nothing_else() -> None:
    data = fabricated.held_out()
    known = baselines(data.train)
    test = data.test["analysis"]
    assert all(known.analysis["most frequent per rule"](one).cwe == expected(one).cwe for one in test)
    assert len({known.analysis["constant answer"](one) for one in test}) == 1
    assert known.analysis["copy of the input"](test[0]) is None
    assert known.codefix["no-op"](data.test["codefix"][0]) == data.test["codefix"][0].metadata["before"]


def test_the_nearest_neighbour_shares_the_rare_words() -> None:
    train = [fabricated.finding(number, part="train") for number in range(1000, 1008)]
    nearest = neighbour(train)(fabricated.finding(2))
    assert nearest is not None and nearest.metadata["rule"] == fabricated.finding(2).metadata["rule"]
    assert neighbour([])(fabricated.finding(2)) is None


@given(st.integers(1, 40), st.permutations(range(12)))
def test_the_draw_covers_clusters_first_keeps_pairs_and_ignores_order(most: int, order: list[int]) -> None:
    examples = [fabricated.finding(number, safe=safe, cluster=f"c{number % 5}") for number in order for safe in (0, 1)]
    drawn = draw(examples, most)
    assert drawn == draw(sorted(examples, key=str), most)
    assert len(drawn) == min(most, 24)
    assert len({one.metadata["cluster"] for one in drawn}) == min(5, -(-min(most, 24) // 2))
    halves = Counter(one.metadata["pair"] for one in drawn)
    assert sum(count == 1 for count in halves.values()) == min(most, 24) % 2


def test_nothing_said_is_not_right_where_nothing_was_to_be_said() -> None:
    bare = fabricated.finding(1)
    unlabelled = msgspec.structs.replace(
        bare, messages=(*bare.messages[:-1], Message(role="assistant", content="It is bad."))
    )
    silent = {question_id(unlabelled): Opening(cwe=89)}
    for name in ("verdict", "severity", "verdict_f1", "precision", "recall", "false_positives"):
        scorer = next(scorer for metric, scorer, _ in ANALYSIS if metric.name == name)
        assert score(scorer, [unlabelled], silent).items == (), name
