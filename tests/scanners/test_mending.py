"""Broken JSON: what came before the break is kept, and the break is named."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scanners.document import each, elements, load
from pipeline.scanners.interface import Fault, Report, ReportRefused
from pipeline.scanners.mending import DEEPEST, mend


class Item(msgspec.Struct):
    number: int
    text: str = ""
    deep: object = None


class Frame(msgspec.Struct):
    results: list[msgspec.Raw] | None = None


DOCUMENT = json.dumps(
    {
        "first": [1, {"x": 'quote " comma , brace } \\'}],
        "results": [{"number": n, "text": 'a"],}[{\\' * n, "deep": [[{"y": {}}]]} for n in range(4)],
        "last": None,
    }
).encode()


def report(folder: Path, text: bytes) -> Report:
    path = folder / "report.json"
    path.write_bytes(text)
    return Report(path=path, name="report.json", head=text[:65536].decode(errors="replace"), size=len(text))


def read(folder: Path, text: bytes) -> tuple[list[int], list[Fault]]:
    frame, faults = load(report(folder, text), Frame)
    numbers: list[int] = []
    said = each(elements(frame.results, "/results"), Item, lambda item, _: numbers.append(item.number) or ())
    return numbers, [*said, *faults]  # type: ignore[list-item]


def complete_before(cut: int) -> int:
    """How many results are whole in the first `cut` bytes."""
    decoder, start = json.JSONDecoder(), DOCUMENT.index(b'"results"') + len(b'"results": [')
    count, position, text = 0, start, DOCUMENT.decode()
    while True:
        try:
            _, end = decoder.raw_decode(text, position)
        except ValueError:
            return count
        if end > cut:
            return count
        count, position = count + 1, end + 2


@pytest.mark.parametrize("cut", range(1, len(DOCUMENT)))
def test_document_cut_anywhere_keeps_every_whole_result(tmp_path: Path, cut: int) -> None:
    numbers, faults = read(tmp_path, DOCUMENT[:cut])
    assert numbers == list(range(complete_before(cut)))
    assert any("truncated" in fault.reason for fault in faults)


def test_whole_document_has_no_faults(tmp_path: Path) -> None:
    assert read(tmp_path, DOCUMENT) == ([0, 1, 2, 3], [])


def test_text_behind_the_document_is_named(tmp_path: Path) -> None:
    numbers, faults = read(tmp_path, DOCUMENT + b"\nDone in 3 s\n")
    assert numbers == [0, 1, 2, 3]
    assert "after the end" in faults[0].reason


def test_nonsense_in_the_middle_keeps_what_stands_before_it(tmp_path: Path) -> None:
    numbers, faults = read(tmp_path, DOCUMENT.replace(b'"number": 2', b'"number": tru'))
    assert numbers == [0, 1]
    assert "broken" in faults[0].reason


def test_too_deep_a_value_costs_itself_only(tmp_path: Path) -> None:
    deep = b"[" * 10_000 + b"]" * 10_000
    text = b'{"results": [{"number": 1, "deep": %s}, {"number": 2}]}' % deep
    numbers, faults = read(tmp_path, text)
    assert numbers == [1, 2]
    assert f"1 values nested more than {DEEPEST} deep" in faults[0].reason


def test_many_too_deep_values_are_one_fault(tmp_path: Path) -> None:
    levels = DEEPEST - 3
    deep = b"[" * levels + b"[],{}," * 50_000 + b"[" * 5_000 + b"]" * 5_000 + b"]" * levels
    numbers, faults = read(tmp_path, b'{"results": [{"number": 1, "deep": %s}]}' % deep)
    assert numbers == [1]
    assert [fault.reason.split(" nested")[0] for fault in faults] == ["100001 values"]


def test_too_deep_and_truncated(tmp_path: Path) -> None:
    numbers, faults = read(tmp_path, b'{"results": [{"number": 1}, {"number": 2, "deep": ' + b"[" * 100_000)
    assert numbers == [1]
    assert any("truncated" in fault.reason for fault in faults)


def test_lone_surrogates_and_control_characters_are_read(tmp_path: Path) -> None:
    first = b'{"number": 1, "text": "a\\ud800b\x01\x1b[0m\\\\ud800"}'
    text = b'{"results": [%s, {"number": 2, "text": "\\ud83d\\ude00"}]}' % first
    assert read(tmp_path, text) == ([1, 2], [])


def test_numbers_that_json_does_not_have_are_null(tmp_path: Path) -> None:
    text = b'{"score": NaN, "results": [{"number": 1, "score": -Infinity}, {"number": 2, "text": "NaN, Infinity"},'
    numbers, faults = read(tmp_path, text + b' {"number": 3, "score":Infinity}, {"number": NaN}]}')
    assert numbers == [1, 2, 3]
    assert [fault.pointer for fault in faults] == ["/results/3", ""] and faults[1].reason.startswith("4 numbers that")
    assert mend(b'{"a": [NaN,-Infinity,"NaN"], "b": xNaN}', "x").text.startswith(b'{"a": [null,null,"NaN"]')


def test_nothing_but_numbers_that_json_does_not_have_is_no_report() -> None:
    faults = mend(b"[" + b"NaN," * 10_000 + b"0]", "complaint").faults
    assert [fault.reason.split(" at ")[0] for fault in faults][1:] == ["truncated or broken JSON"]


def test_wrong_number_costs_one_result(tmp_path: Path) -> None:
    numbers, faults = read(tmp_path, b'{"results": [{"number": 1e999}, {"number": "x"}, {"number": 3}]}')
    assert numbers == [3]
    assert [fault.pointer for fault in faults] == ["/results/0", "/results/1"]


def test_bytes_that_are_not_utf8_cost_one_result(tmp_path: Path) -> None:
    numbers, faults = read(tmp_path, b'{"results": [{"number": 1, "text": "\xff"}, {"number": 2}]}')
    assert numbers == [2]
    assert len(faults) == 1


@pytest.mark.parametrize("text", [b"", b"nothing", b"<xml/>", b'"text"', b"[1", b"{]"])
def test_what_is_no_such_document_is_refused_or_empty(tmp_path: Path, text: bytes) -> None:
    try:
        numbers, faults = read(tmp_path, text)
    except ReportRefused:
        return
    assert not numbers
    assert faults


@given(st.binary(max_size=300))
def test_mending_never_raises(text: bytes) -> None:
    mend(text, "complaint")


@given(st.text(alphabet='{}[]",:\\ \ntrue0123', max_size=200))
def test_mending_json_like_text_never_raises(text: str) -> None:
    mended = mend(text.encode(), "complaint")
    if text[:1] in "{[" and mended.faults:
        assert mended.text
