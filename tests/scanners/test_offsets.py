"""Regions given by character offsets: lines where the log holds the file's text, said aloud where it doesn't."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import FileLocation, TextEdit
from pipeline.scanners.interface import FIX_LEFT_OUT, Fault, RawFinding
from pipeline.scanners.registry import recognise
from tests.scanners.corpus import report_of

TEXT = "one\r\nswörd 🗡 = 1\nthree"


def read(folder: Path, region: dict[str, Any], contents: str | None, kind: str | None = None) -> list[Any]:
    replacement = {"deletedRegion": region, "insertedContent": {"text": "axe"}}
    change = {"artifactLocation": {"uri": "a.py", "index": 0}, "replacements": [replacement]}
    artifact: dict[str, Any] = {"location": {"uri": "a.py"}}
    if contents is not None:
        artifact["contents"] = {"text": contents}
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "Acme"}},
        "artifacts": [artifact],
        "results": [{
            "ruleId": "R", "message": {"text": "m"},
            "locations": [{"physicalLocation": {"artifactLocation": {"index": 0}, "region": region}}],
            "fixes": [{"artifactChanges": [change]}],
        }],
    }  # fmt: skip
    if kind:
        run["columnKind"] = kind
    path = folder / "report.sarif"
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    return list(recognise(report_of(path)).read(report_of(path)))


@pytest.mark.parametrize(
    ("kind", "offset", "place"),
    [
        ("unicodeCodePoints", TEXT.index("= 1"), (2, 9, 10)),
        ("utf16CodeUnits", TEXT.index("= 1") + 1, (2, 10, 11)),
        (None, TEXT.index("= 1") + 1, (2, 10, 11)),
        (None, 0, (1, 1, 2)),
        (None, len(TEXT), (3, 5, 6)),
    ],
)
def test_offsets_become_lines_where_the_log_holds_the_text(
    tmp_path: Path, kind: str | None, offset: int, place: tuple[int, int, int]
) -> None:
    (found,) = read(tmp_path, {"charOffset": offset, "charLength": 1}, TEXT, kind)
    line, left, right = place
    assert found.hints.edits == (
        (TextEdit(path="a.py", start_line=line, end_line=line, text="axe", start_column=left, end_column=right),),
    )
    assert isinstance(found.location, FileLocation) and found.location.start_line == line
    assert FIX_LEFT_OUT not in found.flags


def test_an_offset_may_span_lines(tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"charOffset": 2, "charLength": 5}, TEXT)
    ((edit,),) = found.hints.edits
    assert (edit.start_line, edit.start_column, edit.end_line, edit.end_column) == (1, 3, 2, 3)


@pytest.mark.parametrize("region", [{"charOffset": 3}, {"charOffset": 10**9}, {"byteOffset": 3}, {"charOffset": -1}])
def test_a_fix_that_cant_be_placed_is_flagged_and_counted(tmp_path: Path, region: dict[str, Any]) -> None:
    said = read(tmp_path, region, None if region == {"charOffset": 3} else TEXT)
    (found,) = [one for one in said if isinstance(one, RawFinding)]
    (fault,) = [one for one in said if isinstance(one, Fault)]
    assert FIX_LEFT_OUT in found.flags and not found.hints.edits
    assert fault.reason.startswith("1 proposed fix")
