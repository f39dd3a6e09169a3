"""The stage `parse`, on reports built here: what is read, what is named as unreadable, and nothing lost."""

import gzip
import json
import random
import shutil
from pathlib import Path

import pytest

from config.errors import InputRefused
from config.settings import Settings
from pipeline.findings.parse import Parse
from pipeline.findings.reading import MOST_FAULTS
from pipeline.scanners import document
from pipeline.stage import Request, RunFolder
from tests.artifacts.hostile import put, zip_bytes
from tests.findings.running import parse, result, sarif

ONE = sarif([result("R1", "a.py", 3, "eval(x)")])
CORRUPT = {
    "empty": b"",
    "cut in the middle": ONE[:-40],
    "no json": b"this is not json",
    "not text": b'{"version": "2.1.0", "runs": \xff\xfe\x00',
    "deep": b'{"version": "2.1.0", "runs": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "huge number": b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "A"}}, "results": 1e99999}]}',
    "unknown": b'{"hello": "world"}',
}


@pytest.mark.parametrize("kind", CORRUPT)
def test_a_corrupt_report_among_good_ones_is_named_and_the_rest_read(tmp_path: Path, kind: str) -> None:
    put(tmp_path, "in/bad/report.json", CORRUPT[kind])
    put(tmp_path, "in/good/report.sarif", ONE)
    parsed = parse(tmp_path / "out", tmp_path / "in")
    assert len(parsed.findings()) == 1
    assert {rejection.report for rejection in parsed.rejected()} == {"bad/report.json"}
    assert any("bad/report.json" in warning for warning in parsed.manifest.warnings)
    assert all("\n" not in rejection.reason for rejection in parsed.rejected())


@pytest.mark.parametrize("kind", CORRUPT)
def test_only_corrupt_reports_end_in_exit_three_and_say_why(tmp_path: Path, kind: str) -> None:
    put(tmp_path, "in/report.json", CORRUPT[kind])
    with pytest.raises(InputRefused, match=r"report\.json") as caught:
        parse(tmp_path / "out", tmp_path / "in")
    assert caught.value.exit_code == 3 and caught.value.hint


def test_a_report_of_broken_parts_is_named_up_to_a_bound_and_the_others_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "in/report.sarif", sarif([result("R1", "a.py", 3), *[{"ruleId": 7}] * (MOST_FAULTS + 5)]))
    parsed = parse(tmp_path / "out", tmp_path / "in")
    assert len(parsed.findings()) == 1
    assert len(parsed.rejected()) == MOST_FAULTS + 1
    assert "5 more parts of the report can't be read" in {rejection.reason for rejection in parsed.rejected()}


def test_a_report_without_findings_was_read(tmp_path: Path) -> None:
    put(tmp_path, "in/report.sarif", sarif([]))
    parsed = parse(tmp_path / "out", tmp_path / "in")
    assert parsed.findings() == [] and parsed.manifest.counts["reports"] == 1 and not parsed.manifest.warnings


def test_pages_and_pictures_are_no_reports_and_no_failures(tmp_path: Path) -> None:
    put(tmp_path, "in/run/report.html", b"<html>Found</html>")
    put(tmp_path, "in/run/notes.md", b"# Notes")
    put(tmp_path, "in/run/plot.png", b"\x89PNG\r\n\x1a\n\x00\x00")
    put(tmp_path, "in/run/sbom.cdx.json", b'{"bomFormat": "CycloneDX", "components": []}')
    put(tmp_path, "in/run/report.sarif", ONE)
    parsed = parse(tmp_path / "out", tmp_path / "in")
    assert parsed.rejected() == [] and not parsed.manifest.warnings
    assert {skipped.reason for skipped in parsed.rejected("skipped.jsonl")} == {"not a scanner report"}
    assert len(parsed.rejected("skipped.jsonl")) == 4


def test_only_pages_end_in_exit_three(tmp_path: Path) -> None:
    put(tmp_path, "in/report.html", b"<html>Found</html>")
    with pytest.raises(InputRefused, match="No scanner report"):
        parse(tmp_path / "out", tmp_path / "in")


def test_what_could_not_be_read_is_said_in_clean_sentences(tmp_path: Path) -> None:
    for number in range(7):
        put(tmp_path, f"in/{number}.json", b'{"runs": [' + b" " * number if number % 2 else b'{"a": %d}' % number)
    with pytest.raises(InputRefused) as refused:
        parse(tmp_path / "out", tmp_path / "in")
    said = refused.value.message
    assert ".." not in said and ".;" not in said
    assert said.startswith("No scanner report could be read; 7 refused, 0 are no reports. 0.json: No scanner we know")
    kept = Path(said.rpartition("; 2 more in ")[2].removesuffix("."))
    assert len((kept / "rejected.jsonl").read_text().splitlines()) == 7


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_gzip_change_nothing_but_the_origin(tmp_path: Path, encoding: str, packed: bool) -> None:
    content = ONE.decode().encode(encoding)
    put(tmp_path, "in/report.sarif", gzip.compress(content) if packed else content)
    put(tmp_path, "plain/report.sarif", ONE)
    (found,) = parse(tmp_path / "out", tmp_path / "in").findings()
    (plain,) = parse(tmp_path / "out", tmp_path / "plain", run="plain").findings()
    assert found.fingerprint == plain.fingerprint and found.message == plain.message


def many(folder: Path) -> None:
    """Write reports of several tools that share findings."""
    for number in range(6):
        rows = [
            result(f"R{row % 3}", f"f{row % 2}.py", row + 1, f"call({row % 4})") for row in range(number, number + 5)
        ]
        put(folder, f"run{number}/report.sarif", sarif(rows, tool=f"Tool{number % 2}"))
    put(folder, "x.zip", zip_bytes({"b.sarif": ONE, "a.sarif": sarif([result("R9", "z.py", 1)])}))
    put(folder, "raw.sarif", ONE)


def test_the_same_reports_in_any_order_and_twice_give_the_same_bytes(tmp_path: Path) -> None:
    many(tmp_path / "in")
    first = parse(tmp_path / "out", tmp_path / "in", run="first")
    dice = random.Random(3)
    for attempt in range(4):
        entries = sorted((tmp_path / "in").iterdir())
        dice.shuffle(entries)
        other = tmp_path / f"in{attempt}"
        for number, entry in enumerate(entries):
            (shutil.copytree if entry.is_dir() else shutil.copy)(
                entry, put(other, "x", b"").parent / f"{number}-{entry.name}"
            )
            if attempt % 2 and entry.is_dir():
                shutil.copytree(entry, other / f"again-{number}")
        (other / "x").unlink()
        again = parse(tmp_path / "out", other, run=f"again{attempt}")
        assert again.content() == first.content()


def test_both_snapshots_share_advisory_names_and_fingerprints(tmp_path: Path) -> None:
    put(tmp_path, "old/report.sarif", sarif([result("R1", "a.py", 3, "eval(x)"), result("R2", "a.py", 5, "exec(y)")]))
    put(tmp_path, "new/report.sarif", sarif([result("R1", "a.py", 30, "eval(x)")]))
    parsed = parse(tmp_path / "out", tmp_path / "new", tmp_path / "old")
    (now,) = parsed.findings()
    before = parsed.findings("earlier.jsonl")
    assert now.fingerprint in {finding.fingerprint for finding in before} and len(before) == 2
    assert parsed.manifest.counts["earlier_findings"] == 2


def test_without_an_earlier_snapshot_there_is_no_file_of_it(tmp_path: Path) -> None:
    put(tmp_path, "in/a.sarif", ONE)
    assert not (parse(tmp_path / "out", tmp_path / "in").folder / "parse" / "earlier.jsonl").exists()


def test_artifacts_that_changed_since_collecting_are_noticed(tmp_path: Path) -> None:
    put(tmp_path, "in/a.sarif", ONE)
    parsed = parse(tmp_path / "out", tmp_path / "in")
    put(tmp_path, "in/a.sarif", ONE + b" ")
    request = Request(artifacts=str(tmp_path / "in"), artifacts_digest="")
    with pytest.raises(InputRefused, match="changed"):
        RunFolder(parsed.folder, "code").execute(Parse(), Settings(), request, lambda _: None)


def test_nothing_of_a_report_is_left_on_disk(tmp_path: Path) -> None:
    put(tmp_path, "in/a.zip", zip_bytes({"a.sarif": sarif([result("R1", "a", 1, message="unique words")])}))
    parsed = parse(tmp_path / "out", tmp_path / "in")
    holding = [
        path.name for path in parsed.folder.rglob("*") if path.is_file() and b"unique words" in path.read_bytes()
    ]
    assert holding == ["findings.jsonl"]
    assert sorted(path.name for path in parsed.folder.iterdir()) == ["collect", "parse"]


def test_counts_are_those_of_the_files(tmp_path: Path) -> None:
    many(tmp_path / "in")
    parsed = parse(tmp_path / "out", tmp_path / "in")
    counts, found = parsed.manifest.counts, parsed.findings()
    assert counts["findings"] == len(found) == sum(counts["scanners"].values()) == sum(counts["domains"].values())
    assert counts["before_merging"] == 6 * 5 + 3 - 1, "the same file in a zip and beside it is read once"
    assert json.loads(msgspec_free(counts)) == counts


def msgspec_free(value: object) -> str:
    """Return JSON by the standard library: counts must be plain."""
    return json.dumps(value)


def test_a_broken_report_is_mended_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who recognises it and who reads it share the mended text, and nobody keeps it after that."""
    calls: list[str] = []
    mend = document.mend
    monkeypatch.setattr(document, "mend", lambda text, why: (calls.append(why), mend(text, why))[1])
    whole = sarif([result("R1", "a.py", 1), result("R2", "b.py", 2)])
    put(tmp_path, "in/cut.sarif", whole[: whole.index(b'"R2"')])
    put(tmp_path, "in/other.json", b'{"other": [')
    assert [f.rule.id for f in parse(tmp_path / "out", tmp_path / "in").findings()] == ["R1"]
    assert len(calls) == 2 and not document._LAST
