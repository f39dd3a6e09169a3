"""Paths: always below the repository, or refused."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scanners.document import ItemRefused
from pipeline.scanners.places import ABSOLUTE, file_location, line_of, place_of, place_of_uri


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/a.py", "src/a.py"),
        ("./src//a.py", "src/a.py"),
        ("src\\win\\a.py", "src/win/a.py"),
        ("/home/runner/work/shop/shop/src/a.py", "src/a.py"),
        ("/Users/runner/work/shop/shop/src/a.py", "src/a.py"),
        ("D:\\a\\shop\\shop\\src\\a.py", "src/a.py"),
        ("/__w/shop/shop/src/a.py", "src/a.py"),
        ("/github/workspace/src/a.py", "src/a.py"),
        ("/builds/group/shop/src/a.py", "src/a.py"),
        ("/home/vsts/work/1/s/src/a.py", "src/a.py"),
        ("/src/src/a.py", "src/a.py"),
        ("a/b/../c.py", "a/c.py"),
        ("100%25.py", "100%25.py"),
    ],
)
def test_path_is_relative_to_the_repository(path: str, expected: str) -> None:
    assert place_of(path) == (expected, ())


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("src/a%20b.py", "src/a b.py"),
        ("file:///home/runner/work/shop/shop/src/a%C3%A9.py", "src/aé.py"),
        ("file://localhost/github/workspace/a.py", "a.py"),
        ("file:///D:/a/shop/shop/a.py", "a.py"),
        ("file:/src/a.py", "a.py"),
    ],
)
def test_uri_is_decoded_and_relative(uri: str, expected: str) -> None:
    assert place_of_uri(uri) == (expected, ())


def test_folder_the_report_names_is_a_root() -> None:
    assert place_of_uri("file:///any/where/lib/a.py", ("/any/where/",)) == ("lib/a.py", ())


def test_path_that_stays_absolute_is_flagged_and_has_no_root() -> None:
    assert place_of("/etc/passwd") == ("etc/passwd", (ABSOLUTE,))
    assert place_of("C:/Windows/a.ini") == ("Windows/a.ini", (ABSOLUTE,))


@pytest.mark.parametrize(
    "path", ["../a", "a/../../b", "/..", "..", "/src/../../etc/passwd", "..\\a", "a\x00b", "a\nb", "", "/", "x" * 5000]
)
def test_path_that_is_no_place_in_the_repository_is_refused(path: str) -> None:
    with pytest.raises(ItemRefused):
        place_of(path)


@pytest.mark.parametrize(
    "uri", ["%2e%2e/%2e%2e/etc/passwd", "file:///src/%2e%2e/%2e%2e/etc/passwd", "a%00b", "file://[bad/a"]
)
def test_uri_that_is_no_place_in_the_repository_is_refused(uri: str) -> None:
    with pytest.raises(ItemRefused):
        place_of_uri(uri)


@given(
    st.lists(st.sampled_from(["..", ".", "a", "/", "\\", "C:", "%2e", "file:", "//", "src", "~", "\x00"]), max_size=12)
)
def test_no_path_ever_leaves_the_tree(parts: list[str]) -> None:
    for read in (place_of, place_of_uri):
        try:
            path = PurePosixPath(read("/".join(parts)).path)
        except ItemRefused:
            continue
        assert not path.is_absolute()
        assert ".." not in path.parts


def test_lines_and_columns_are_made_sane() -> None:
    assert file_location("a", 0, -1, 3, 4).start_line is None
    assert file_location("a", 5, 3).end_line == 5
    assert file_location("a", 5, 6, 2, 1).end_line == 5
    assert file_location("a", 5, 5, 9, 4).end_column is None
    assert file_location("a", "7", None).start_line == 7


@pytest.mark.parametrize("number", [10**12, 1e300, float("inf"), float("nan"), "x", "9" * 5000])
def test_line_out_of_range_is_refused(number: float | str) -> None:
    with pytest.raises(ItemRefused):
        line_of(number)
