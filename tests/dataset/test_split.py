"""Whole clusters on one side, the same side for both kinds, whatever the order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dataset.clusters import Clusters, cluster, jaccard, near_pairs, normalise, shingles
from pipeline.dataset.names import without_own_names
from pipeline.dataset.split import split

NAMES = st.lists(st.sampled_from([f"c{number}" for number in range(12)]), min_size=1, max_size=200)


@given(NAMES, st.data(), st.integers(0, 5))
def test_a_split_covers_every_cluster_and_leaves_train_something(names, data, seed) -> None:
    with_fix = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    parts = split(names, with_fix, 0.1, 0.1, seed)
    assert set(parts) == set(names)
    assert "train" in parts.values()


@given(NAMES, st.integers(0, 5), st.randoms())
def test_a_split_does_not_depend_on_order(names, seed, random) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)
    assert split(names, [False] * len(names), 0.1, 0.1, seed) == split(shuffled, [False] * len(names), 0.1, 0.1, seed)


def test_three_clusters_fill_three_parts() -> None:
    parts = split(["a"] * 10 + ["b"] * 10 + ["c"] * 10, [False] * 30, 0.1, 0.1, 1)
    assert sorted(parts.values()) == ["test", "train", "valid"]


def test_what_is_dated_is_held_out_newest_first() -> None:
    names = [f"c{number}" for number in range(20)]
    times = [f"2024-01-{number + 1:02}T00:00:00Z" for number in range(20)]
    parts = split(names, [True] * 20, 0.1, 0.1, 3, times)
    assert {name for name, part in parts.items() if part == "test"} == {"c19", "c18"}
    assert {name for name, part in parts.items() if part == "valid"} == {"c17", "c16"}


def test_small_fractions_stay_small_when_clusters_allow() -> None:
    names = [f"c{number}" for number in range(100)]
    parts = split(names, [False] * 100, 0.1, 0.1, 3)
    assert sum(part == "test" for part in parts.values()) == 10
    assert sum(part == "valid" for part in parts.values()) == 10


def test_equal_places_share_a_cluster_and_others_do_not() -> None:
    names = cluster(["file:a", "file:b", "file:a"], ["one()", "two = 2 + three", "four[5]"])
    assert names[0] == names[2] != names[1]


def test_the_same_code_with_other_names_of_numbers_and_strings_is_near() -> None:
    one = "def f():\n" + "\n".join(f"    call_{i}(value, 'x{i}', {i})" for i in range(20))
    other = one.replace("'x3'", "'other'").replace(", 7)", ", 700)")
    assert len(set(cluster(["file:a", "file:b"], [one, other]))) == 1


PYTHON = "def run(command):\n    result = subprocess.run(command, shell=True)\n    return result.stdout\n"
JAVASCRIPT = "function find(request) {\n  const id = request.query.id;\n  return db.query('x' + id);\n}\n"


@pytest.mark.parametrize(
    ("path", "code", "renamed", "other"),
    [
        ("a.py", PYTHON, PYTHON.replace("command", "line").replace("result", "done").replace("def run", "def start"),
         PYTHON.replace("subprocess.run", "subprocess.check_output")),
        ("a.js", JAVASCRIPT, JAVASCRIPT.replace("request", "r").replace(" id", " key"),
         JAVASCRIPT.replace("db.query", "db.prepare")),
        ("a.java", "class A { void m(String c) { int n = run(c); } }",
         "class B { void go(String x) { int k = run(x); } }",
         "class A { void m(String c) { int n = eval(c); } }"),
    ],
)  # fmt: skip
def test_a_copy_with_other_names_is_the_same_code_and_another_call_is_not(path, code, renamed, other) -> None:
    assert without_own_names(renamed, path) == without_own_names(code, path) != without_own_names(other, path)


def test_a_key_of_a_configuration_keeps_its_name() -> None:
    for path in ("a.tf", "a.yaml", "a.json", "Dockerfile"):
        assert without_own_names('resource "a" "b" {\n  encrypted = true\n}\n', path).count("encrypted") == 1


@given(st.text(max_size=200))
def test_any_text_has_its_names_taken_away_without_an_error(text) -> None:
    without_own_names(text, "a.py")


def test_a_pair_that_is_near_is_found_whatever_else_is_in_its_bucket() -> None:
    words = [f"w{number}" for number in range(60)]
    one, other = " ".join(words), " ".join([*words[:58], "x", "y"])
    far = " ".join([*words[:20], *(f"a{number}" for number in range(40))])
    assert (min(one, other), max(one, other)) in {tuple(sorted(pair)) for pair in near_pairs(sorted([far, one, other]))}


def test_one_changed_line_in_twenty_is_still_near() -> None:
    lines = [f"statement_{i} = function_{i}(argument_{i})" for i in range(30)]
    changed = [*lines[:29], "completely(different)"]
    assert len(set(cluster(["file:a", "file:b"], ["\n".join(lines), "\n".join(changed)]))) == 1


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.text("xyz() \n", max_size=30)), max_size=20), st.randoms())
def test_cluster_names_do_not_depend_on_order(items, random) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)

    def named(rows):
        return dict(zip(rows, cluster([row[0] for row in rows], [row[1] for row in rows]), strict=True))

    assert named(items) == named(shuffled)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"))))
def test_joining_is_an_equivalence(pairs) -> None:
    clusters = Clusters()
    for one, other in pairs:
        clusters.join(one, other)
    for one, other in pairs:
        assert clusters.find(one) == clusters.find(other)


def test_near_pairs_are_near() -> None:
    texts = sorted({" ".join(normalise(f"a b c d e f g h {word} j k l m")) for word in ("x", "y", "z")})
    for one, other in near_pairs(texts):
        assert jaccard(shingles(one), shingles(other)) >= 0.8
