"""A name that stands twice hides what its first value held: that is said, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import InputRefused
from pipeline.scanners.document import UNREADABLE
from pipeline.scanners.repeated import REPEATED, repeats_a_name
from tests.artifacts.hostile import put
from tests.findings.running import parse, result
from tests.scanners.corpus import samples

RESULTS = json.dumps([result("R", "a.py", 3)])
TOOL = '"tool": {"driver": {"name": "Acme"}}'


def members(text: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(text, type=dict[str, msgspec.Raw])


@pytest.mark.parametrize(
    "document",
    [
        f'{{"version": "2.1.0", "runs": [{{{TOOL}, "results": {RESULTS}, "results": []}}]}}',
        f'{{"version": "2.1.0", "runs": [{{{TOOL}, "results": {RESULTS}}}], "runs": [{{{TOOL}, "results": []}}]}}',
        '{"results": [{"check_id": "a", "path": "b.py", "start": {"line": 1}, "end": {"line": 1}}], "errors": [],'
        ' "results": []}',
    ],
)
def test_a_report_that_hides_its_findings_is_not_clean(tmp_path: Path, document: str) -> None:
    put(tmp_path, "in/report.json", document.encode())
    with pytest.raises(InputRefused, match=REPEATED):
        parse(tmp_path / "out", tmp_path / "in")


def test_what_the_last_value_holds_is_kept(tmp_path: Path) -> None:
    document = f'{{"version": "2.1.0", "runs": [{{{TOOL}, "results": {RESULTS}, "results": {RESULTS}}}]}}'
    put(tmp_path, "in/report.json", document.encode())
    parsed = parse(tmp_path / "out", tmp_path / "in")
    assert len(parsed.findings()) == 1 and [one.reason for one in parsed.rejected()] == [REPEATED]


def test_no_sample_is_taken_for_one() -> None:
    seen = 0
    for path in samples():
        text = path.read_bytes()
        try:
            found = members(text)
        except UNREADABLE:
            continue
        seen += 1
        assert not repeats_a_name(text, found), path
    assert seen > 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=6), indent=st.none() | st.integers(0, 9))
def test_no_object_is_taken_for_one_however_it_is_laid_out(value: dict[str, object], indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False).encode("utf-8", "replace")
    assert not repeats_a_name(text, members(text))


@given(value=st.dictionaries(st.text(max_size=9), JSON, min_size=1, max_size=6))
def test_a_value_as_long_as_a_finding_is_missed(value: dict[str, object]) -> None:
    hidden = f"{{{json.dumps(next(iter(value)))}: {json.dumps('x' * 40)}, "
    text = (hidden + json.dumps(value)[1:]).encode()
    assert repeats_a_name(text, members(text))
