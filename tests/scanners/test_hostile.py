"""No report, however mutated, gets anything but findings, faults and `ReportRefused` out of a reader."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.records import FileLocation
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.registry import SCANNERS, recognise
from tests.scanners.corpus import as_file, report_of, samples, value_of

HOSTILE: list[Any] = [
    None, True, -1, 0, 10**40, 1e300, -0.0, "", "x" * 70_000, "../../etc/passwd",
    "/etc/passwd", "\x00\x1b[31m", "\ud800",
    "file://[", "http://", "CWE-99999999999", [], {}, [[]], [None], {"": None}, "9" * 5000, "1e999",
]  # fmt: skip


def read(report: Report) -> list[RawFinding | Fault]:
    try:
        return list(recognise(report).read(report))
    except ReportRefused:
        return []


def mutated(document: Any, choose: random.Random) -> Any:
    """Replace one value somewhere in the document."""
    if isinstance(document, dict) and document and choose.random() < 0.85:
        name = choose.choice(list(document))
        if choose.random() < 0.1:
            return {key: value for key, value in document.items() if key != name}
        return {**document, name: mutated(document[name], choose)}
    if isinstance(document, list) and document and choose.random() < 0.85:
        position = choose.randrange(len(document))
        return [*document[:position], mutated(document[position], choose), *document[position + 1 :]]
    return choose.choice(HOSTILE)


def check(said: list[RawFinding | Fault]) -> None:
    for one in said:
        if isinstance(one, Fault):
            assert one.reason
            continue
        assert one.rule.id
        assert one.scanner.name
        if isinstance(one.location, FileLocation):
            assert not one.location.path.startswith("/")
            assert ".." not in one.location.path.split("/")


JSON_SAMPLES = [
    path for path in samples() if path.suffix in (".json", ".sarif") and path.name.startswith(("one", "many"))
]


@pytest.mark.parametrize("path", JSON_SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_mutated_values_never_break_a_reader(path: Path, tmp_path: Path) -> None:
    original, lines = value_of(path)
    choose = random.Random(path.parent.name + path.name)
    for round_ in range(60):
        document = original
        for _ in range(1 + round_ % 4):
            document = mutated(document, choose)
        target = tmp_path / f"{round_}.json"
        target.write_bytes(as_file(document, lines))
        check(read(report_of(target)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("reader", SCANNERS, ids=lambda reader: reader.name)
def test_mutated_bytes_never_break_a_reader(reader: Any, tmp_path: Path, data: st.DataObject) -> None:
    own = [path for path in samples() if path.parent.name == reader.name and path.stat().st_size < 20_000]
    text = bytearray(data.draw(st.sampled_from(own)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 40)))
        text[start:end] = data.draw(
            st.one_of(st.binary(max_size=12), st.sampled_from([b"null", b"[[[", b'"', b"1e999", b"\\ud800"]))
        )
    target = tmp_path / "report"
    target.write_bytes(text)
    report = report_of(target)
    check(read(report))
    try:
        check(list(reader.read(report)))
    except ReportRefused:
        return


@pytest.mark.parametrize("reader", SCANNERS, ids=lambda reader: reader.name)
@pytest.mark.parametrize(
    "text", [b"{}", b"[]", b"null", b"[{}]", b'{"runs":[{}]}', b'{"results":[{}]}', b"[" * 10_000, b"a,b\n", b"<a/>"]
)
def test_any_reader_given_another_file_says_so(reader: Any, text: bytes, tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_bytes(text)
    try:
        check(list(reader.read(report_of(target))))
    except ReportRefused as error:
        assert error.message
        assert error.hint


def test_nothing_known_is_refused_with_a_hint(tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_text("hello")
    with pytest.raises(ReportRefused, match="No scanner we know") as refused:
        recognise(report_of(target))
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"runs": [', "broken JSON at byte 10 of 10"),
        ('[{"a": 1}', "broken JSON at byte 9 of 9"),
        ("{{ values }}", "broken JSON at byte 1 of"),
        ('{"a":1}{"b":2}', "text after the end of the document, from byte 7"),
        ("[" * 5_000, "broken JSON at byte 5000 of 5000"),
    ],
)
def test_json_cut_before_its_scanner_is_told_says_where_it_ends(text: str, reason: str, tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_text(text)
    with pytest.raises(ReportRefused, match=reason):
        recognise(report_of(target))


def test_empty_report_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_text(" \n")
    with pytest.raises(ReportRefused, match="empty"):
        recognise(report_of(target))


def test_recognising_does_not_look_at_the_name() -> None:
    for path in samples():
        given_name = report_of(path)
        other = Report(path=given_name.path, name="x.txt", head=given_name.head, size=given_name.size)
        try:
            assert recognise(other).name == recognise(given_name).name
        except ReportRefused:
            continue


def test_truncated_sarif_is_never_silent(tmp_path: Path) -> None:
    text = next(path for path in samples() if path.match("semgrep/many.sarif")).read_bytes()
    for cut in range(200, len(text) - 2, 97):
        target = tmp_path / "report"
        target.write_bytes(text[:cut])
        said = read(report_of(target))
        assert any(isinstance(one, Fault) and "truncated" in one.reason for one in said)
