"""`fixsmith findings`: filters, formats and the gate, without harm to a terminal or a spreadsheet."""

import csv
import io
import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from config.errors import UsageError
from daemon.commands import findings as command
from pipeline.findings.formats.sarif import write_sarif
from pipeline.records import Domain, FileLocation, Finding, Hints, Rule, Scanner, Severity, TextEdit, UrlLocation
from pipeline.stage import write_records
from tests.artifacts.hostile import put
from tests.findings.running import parse
from tests.findings.test_fingerprint import at, package, raw, see
from tests.scanners import corpus

NASTY = '=HYPERLINK("x")\x1b[31m [bold]red[/bold] \u202e'
EDIT = TextEdit(path="src/a b.py", start_line=3, end_line=3, text="safe()\n")


def samples() -> list[Finding]:
    """Return findings of every kind of location."""
    found = see(
        [at(3, "eval(x)", path="src/a b.py", severity=Severity.HIGH, hints=Hints(edits=((EDIT,),)), cvss=7.5)],
        [package(rule="CVE-2020-1234", severity=Severity.CRITICAL, hints=Hints(fixed_versions=("4.17.2",)))],
        [raw(UrlLocation(url="http://localhost:8080/a?b=[c]", method="GET", parameter="b"), domain=Domain.DAST)],
        [at(0, None, path="C:odd/ü.py", message=NASTY, severity=Severity.INFO)],
    )
    return found


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print for a wide terminal, whatever the one the tests run in: narrow ones leave columns out."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for name in ("abc123", "abd456"):
        write_records(tmp_path / "runs" / name / "parse" / "findings.jsonl", samples() if name == "abd456" else [])
    (tmp_path / "latest").symlink_to("runs/abd456")
    return tmp_path


def run(workspace: Path, *words: str) -> int:
    parser = ArgumentParser()
    command.add(parser.add_subparsers())
    return command.run(parser.parse_args(["findings", "--output-dir", str(workspace), *words]))


def test_the_table_is_worst_first_and_ends_with_a_summary(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(workspace) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["severity", "domain", "scanner"] and lines[1].startswith("critical")
    assert lines[-1] == "4 findings: 1 critical, 1 high, 1 low, 1 info."


@pytest.mark.parametrize("form", command.FORMATS)
def test_no_format_lets_an_escape_through(workspace: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    run(workspace, "--format", form)
    out = capsys.readouterr().out
    assert "\x1b" not in out and (form in ("json", "sarif") or "\u202e" not in out)
    assert form != "table" or "[bold]" in out, "markup is text"


def test_json_is_the_records(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace, "--format", "json")
    found = msgspec.json.decode(capsys.readouterr().out, type=list[Finding])
    assert sorted(f.fingerprint for f in found) == sorted(f.fingerprint for f in samples())


def test_csv_cells_are_no_formulas(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert len(rows) == 4
    assert all(not value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    assert any(row["message"].startswith("'=HYPERLINK") for row in rows)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1"])
def test_every_start_of_a_formula_is_defused(cell: str) -> None:
    from pipeline.findings.formats.rows import write_csv

    stream = io.StringIO(newline="")
    write_csv([msgspec.structs.replace(samples()[0], message=cell)], stream)
    (row,) = csv.DictReader(io.StringIO(stream.getvalue(), newline=""))
    assert row["message"].startswith("'")


def test_sarif_is_valid_by_the_official_schema(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(__file__).parent / "schema" / "sarif-2.1.0.json").read_text())
    for words in ((), ("--run", "abc123")):
        run(workspace, "--format", "sarif", *words)
        document = json.loads(capsys.readouterr().out)
        checker = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
        assert [error.message for error in checker.iter_errors(document)] == []


def test_every_sample_of_every_scanner_is_valid_sarif(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for number, path in enumerate(corpus.samples()):
        put(tmp_path, f"in/{number}{path.suffix}", path.read_bytes())
    stream = io.StringIO()
    write_sarif(parse(tmp_path / "out", tmp_path / "in").findings(), stream)
    schema = json.loads((Path(__file__).parent / "schema" / "sarif-2.1.0.json").read_text())
    checker = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in checker.iter_errors(json.loads(stream.getvalue()))] == []


def test_sarif_has_the_fix_the_score_and_the_fingerprint(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace, "--format", "sarif", "--domain", "sast", "--severity", "high")
    (only,) = json.loads(capsys.readouterr().out)["runs"]
    (rule,), (result,) = only["tool"]["driver"]["rules"], only["results"]
    assert rule["properties"]["security-severity"] == "7.5"
    assert len(result["partialFingerprints"]["fixsmithFinding/v1"]) == 32
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "src/a%20b.py"
    assert change["replacements"][0]["deletedRegion"]["endLine"] == 4


def test_our_own_sarif_is_read_again(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace, "--format", "sarif", "--domain", "sast")
    put(tmp_path, "again/own.sarif", capsys.readouterr().out.encode())
    again = parse(tmp_path / "out", tmp_path / "again").findings()
    assert [f.location.path for f in again if isinstance(f.location, FileLocation)]
    assert {(f.rule.id, f.message[:4]) for f in again} >= {("R1", "Bad.")}


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--severity", "critical"), 1),
        (("--severity", "critical,high"), 2),
        (("--severity", "critical", "--severity", "info"), 2),
        (("--domain", "sca"), 1),
        (("--domain", "SCA,dast"), 2),
        (("--domain", "iac"), 0),
        (("--severity", "high", "--domain", "sca"), 0),
        (("--run", "abc123"), 0),
        (("--run", "abd"), 4),
    ],
)
def test_filters(workspace: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], count: int) -> None:
    run(workspace, "--format", "json", *words)
    assert len(json.loads(capsys.readouterr().out)) == count


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--fail-on", "critical"), 1),
        (("--fail-on", "high"), 1),
        (("--fail-on", "critical", "--domain", "sast"), 0),
        (("--fail-on", "low", "--severity", "info"), 0),
        (("--fail-on", "info", "--severity", "info"), 1),
        (("--fail-on", "info", "--run", "abc123"), 0),
    ],
)
def test_the_gate_looks_at_what_is_shown(workspace: Path, words: tuple[str, ...], code: int) -> None:
    assert run(workspace, *words) == code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--severity", "bad"), "doesn't know bad"),
        (("--domain", "x"), "doesn't know x"),
        (("--run", "nope"), "There is no run nope"),
        (("--run", "ab"), "could be abc123, abd456"),
        (("--run", "../x"), "isn't a run's id"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(workspace: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        run(workspace, *words)
    assert caught.value.exit_code == 2 and caught.value.hint


def test_without_a_run_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no finished run"):
        run(tmp_path)


def test_a_finding_as_it_may_be_at_least_is_shown(tmp_path: Path) -> None:
    bare = Finding(
        fingerprint="f", scanner=Scanner(name=""), rule=Rule(id=""), severity=Severity.INFO, domain=Domain.API,
        location=FileLocation(path=""), message="",
    )  # fmt: skip
    write_records(tmp_path / "runs" / "a" / "parse" / "findings.jsonl", [bare])
    (tmp_path / "latest").symlink_to("runs/a")
    assert all(run(tmp_path, "--format", form) == 0 for form in command.FORMATS)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_has_one_line_for_each_finding_at_any_width(width: int) -> None:
    from pipeline.findings.formats.table import _table

    long = msgspec.structs.replace(
        samples()[0],
        rule=Rule(id="java.lang.security." + "very-" * 5 + "long-name"),
        location=FileLocation(path="src/" + "folder/" * 20 + "Name.java", start_line=212),
    )
    stream = io.StringIO()
    Console(file=stream, width=width).print(_table([long], width))
    header, line = stream.getvalue().splitlines()
    assert "Name.java:212" in line and "very-very" in line and long.fingerprint[:8] in line
    assert ("what" in header) == (width == 160) and len(line) <= width


def test_what_a_report_accepted_is_shown_as_such_and_fails_no_gate(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [msgspec.structs.replace(one, flags=("suppressed",)) for one in samples()]
    write_records(workspace / "runs" / "abd456" / "parse" / "findings.jsonl", found)
    assert run(workspace, "--fail-on", "info") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("Accepted in their reports: 4.")
    run(workspace, "--format", "sarif")
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert all(
        one["suppressions"] == [{"kind": "external", "status": "accepted"}] for r in runs for one in r["results"]
    )


@pytest.mark.parametrize("form", command.FORMATS)
@pytest.mark.parametrize(("words", "code"), [("--fail-on high", 1), ("", 0)])
def test_a_reader_that_leaves_changes_no_gate(tmp_path: Path, form: str, words: str, code: int) -> None:
    many = [
        msgspec.structs.replace(one, fingerprint=f"{number:032}") for number in range(2_000) for one in samples()[1:2]
    ]
    write_records(tmp_path / "runs" / "abc123" / "parse" / "findings.jsonl", many)
    shell = f"{sys.executable} -m daemon.cli findings --output-dir {tmp_path} --run abc123 --format {form} {words}"
    done = subprocess.run(
        ["bash", "-c", f"{shell} | head -1 > /dev/null; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (code, "")
