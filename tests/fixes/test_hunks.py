"""Cutting changes: whatever is chosen, the replacement holds it and the rest stays as it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fixes.hunks import hunks, mapped_lines, replacement_span
from pipeline.fixes.text import SourceText, changed_span
from pipeline.records import TextEdit

LINES = st.lists(st.sampled_from(["a", "b", "c", "d = 1", "d = 2", ""]), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(LINES, LINES)
def test_all_changes_together_give_the_new_file(old, new):
    before, after = SourceText("f", tuple(old)), SourceText("f", tuple(new))
    changes = hunks(before.lines, after.lines)
    if not changes:
        assert old == new
        return
    span, new_span = replacement_span(changes, changes, len(old))
    assert before.replaced(*span, after.block(*new_span)) == after.text


@settings(max_examples=300, deadline=None)
@given(LINES, LINES)
def test_one_change_alone_leaves_the_others_as_they_were(old, new):
    before, after = SourceText("f", tuple(old)), SourceText("f", tuple(new))
    changes = hunks(before.lines, after.lines)
    for change in changes:
        if any(change.beside(other) for other in changes if other != change):
            continue
        span, new_span = replacement_span([change], changes, len(old))
        text = before.replaced(*span, after.block(*new_span))
        expected = [*old[: change.old_start], *new[change.new_start : change.new_end], *old[change.old_end :]]
        assert text == "".join(f"{line}\n" for line in expected)


@settings(max_examples=200, deadline=None)
@given(LINES, LINES)
def test_the_differing_span_is_all_that_differs(old, new):
    first, second = tuple(old), tuple(new)
    (a, b), (c, d) = changed_span(first, second)
    assert first[: a - 1] == second[: c - 1]
    assert first[b:] == second[d:]


def test_changed_lines_that_are_alike_are_changes_of_their_own():
    old = ("  encrypted = false", "  public = true")
    new = ("  encrypted = true", "  public = false")
    assert len(hunks(old, new)) == 2
    assert (
        len(hunks(("    except Exception:", "        pass"), ("    except OSError as error:", "        log(error)")))
        == 1
    )


def test_lines_are_followed_through_a_change():
    old, new = ("a", "b", "c"), ("x", "y", "a", "b", "c")
    assert mapped_lines((2, 3), hunks(old, new)) == (4, 5)


def test_edits_by_column_and_by_line_are_applied_together():
    text = SourceText.of("f", "one two\nthree\n")
    edits = (
        TextEdit(path="f", start_line=1, end_line=1, text="2", start_column=5, end_column=8),
        TextEdit(path="f", start_line=2, end_line=2, text="3"),
    )
    assert text.edited(edits) == "one 2\n3\n"


def test_a_last_line_without_an_end_stays_without():
    text = SourceText.of("f", "one\ntwo")
    assert text.block(2, 2) == "two"
    assert text.replaced(1, 1, "1\n") == "1\ntwo"
