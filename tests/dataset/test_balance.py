"""No rule and no weakness fills the data set, and no cap parts a vulnerable place from its fixed twin."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from config.settings import Dataset
from pipeline.dataset.balance import limited
from pipeline.records import Example

Findings = list[tuple[str, int, bool, int]]
FINDINGS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([0, 79, 89]), st.booleans(), st.integers(0, 3)), max_size=40
)


def made(findings: Findings) -> list[tuple[str, Example]]:
    """Return, for each (rule, CWE or 0, has a safe twin, fixes), its examples in the order they are made in."""
    result = []
    for number, (rule, cwe, paired, fixes) in enumerate(findings):
        about = {"rule": rule, "cwes": [cwe] if cwe else [], "pair": f"f{number}"}
        labels = ["vulnerable", *["fix"] * fixes, *["safe"] * paired]
        for label in labels:
            kind = "codefix" if label == "fix" else "analysis"
            result.append((kind, Example(messages=(), metadata=about | {"label": label})))
    return result


def test_no_rule_and_no_weakness_fills_the_data_set() -> None:
    single = [("a", 79), ("a", 79), ("a", 79), ("b", 79), ("c", 79), ("d", 0), ("d", 0)]
    dropped: Counter[str] = Counter()
    kept = limited(
        made([(rule, cwe, False, 0) for rule, cwe in single]), Dataset(max_per_rule=2, max_per_cwe=3), dropped
    )
    assert [example.metadata["rule"] for _, example in kept] == ["a", "a", "b", "d", "d"]
    assert dropped == {"analysis: more than 2 of a rule": 1, "analysis: more than 3 of a CWE": 1}


def test_a_pair_that_does_not_fit_goes_whole_and_leaves_its_room_to_others() -> None:
    findings = [("a", 79, True, 1), ("a", 79, True, 1), ("a", 79, False, 1)]
    kept = limited(made(findings), Dataset(max_per_rule=3, max_per_cwe=3), Counter())
    told = [(example.metadata["pair"], example.metadata["label"]) for kind, example in kept if kind == "analysis"]
    assert told == [("f0", "vulnerable"), ("f0", "safe"), ("f2", "vulnerable")]


@given(FINDINGS, st.integers(1, 12), st.integers(1, 20))
def test_caps_hold_pairs_stay_whole_and_what_fits_is_kept(findings: Findings, per_rule: int, per_cwe: int) -> None:
    given_, dropped = made(findings), Counter[str]()
    kept = limited(given_, Dataset(max_per_rule=per_rule, max_per_cwe=per_cwe), dropped)
    rules = Counter((kind, example.metadata["rule"]) for kind, example in kept)
    cwes = Counter((kind, cwe) for kind, example in kept for cwe in example.metadata["cwes"])
    assert max(rules.values(), default=0) <= per_rule and max(cwes.values(), default=0) <= per_cwe
    sides = Counter(example.metadata["pair"] for kind, example in kept if kind == "analysis")
    assert all(count == 1 + findings[int(pair[1:])][2] for pair, count in sides.items())
    names = [id(one) for one in kept]
    assert names == [id(one) for one in given_ if id(one) in names] and len(kept) + dropped.total() == len(given_)
    for number, (rule, cwe, paired, _) in enumerate(findings):
        if f"f{number}" not in sides:
            full_rule = rules["analysis", rule] + 1 + paired > per_rule
            assert full_rule or (cwe and cwes["analysis", cwe] + 1 + paired > per_cwe)
