# ruff: noqa: E501 - a script as text
"""Batches: one start for many cases, failures told apart, contents scanned once, limits kept."""

from __future__ import annotations

import fcntl
import json
import sys
from pathlib import Path

import pytest

from pipeline.verification.batch import Batches
from pipeline.verification.cache import ScanCache
from pipeline.verification.interface import ScannerFailed, Setup
from pipeline.verification.process import isolation, run
from pipeline.verification.runners.base import FileRunner
from tests.verification.trees import settings

SCANNER = """
import json, pathlib, sys
results, errors = [], []
for path in sorted(pathlib.Path(".").rglob("*.py")):
    text = path.read_text()
    if "crash" in text:
        sys.exit("crashed")
    if "unreadable" in text:
        errors.append({"filename": "./" + str(path), "reason": "syntax error"})
    for number, line in enumerate(text.splitlines(), 1):
        if "bad" in line:
            results.append({"filename": "./" + str(path), "line_number": number, "line_range": [number], "test_id": "B324",
                            "test_name": "t", "issue_severity": "HIGH", "issue_confidence": "HIGH", "issue_text": "bad", "code": line})
with open(sys.argv[1], "w") as stream:
    json.dump({"errors": errors, "generated_at": "", "metrics": {}, "results": results}, stream)
"""


class Fake(FileRunner):
    """A scanner that reports every line with `bad` in it, in Bandit's format."""

    name = "fake"
    scanners = ("fake",)
    programs = ("python",)

    def __init__(self, script):
        self.script = script

    def command(self, setup, files, report):
        return [setup.program, str(self.script), str(report)]

    def broken(self, document):
        return ((error["filename"], error["reason"]) for error in document["errors"])


@pytest.fixture
def batches(tmp_path):
    script = tmp_path / "scanner.py"
    script.write_text(SCANNER)

    def make(**changes):
        cache = ScanCache(tmp_path / "cache")
        return Batches(Fake(script), Setup(sys.executable, "1"), settings(parallel=1, **changes), cache)

    return make


def case(text):
    return {"a/b.py": text.encode()}


def lines(scans):
    return [[one.start_line for one in scan.findings] for scan in scans]


def test_many_cases_share_one_start(batches):
    maker = batches()
    scans = maker.scan([case("good\n"), case("bad\n"), case("good\nbad\nbad\n")])
    assert lines(scans) == [[], [1], [2, 3]]
    assert maker.starts == 1
    assert scans[1].findings[0].path == "a/b.py"


def test_the_same_content_is_scanned_once_and_kept(batches):
    first = batches()
    assert lines(first.scan([case("bad\n"), case("bad\n")])) == [[1], [1]]
    again = batches()
    assert lines(again.scan([case("bad\n")])) == [[1]]
    assert again.starts == 0


def test_the_cache_holds_no_code(batches, tmp_path):
    batches().scan([case("bad secret-value\n")])
    kept = "".join(path.read_text() for path in (tmp_path / "cache").rglob("*.json"))
    assert "b324" in kept
    assert "secret-value" not in kept


def test_a_case_that_crashes_the_scanner_stands_alone(batches):
    maker = batches()
    scans = maker.scan([case("bad\n"), case("crash\n"), case("good bad\n"), case("fine\n")])
    assert lines(scans) == [[1], [], [1], []]
    assert scans[1].broken
    assert [scan.broken for scan in (scans[0], scans[2], scans[3])] == [None, None, None]


def test_a_file_the_scanner_could_not_read_is_not_clean(batches):
    scans = batches().scan([case("unreadable\n"), case("bad\n")])
    assert scans[0].broken == "syntax error"
    assert scans[1].broken is None


def test_a_batch_is_no_larger_than_the_settings_say(batches):
    maker = batches(batch=2)
    maker.scan([case(f"bad {number}\n") for number in range(5)])
    assert maker.starts == 3


def test_time_is_limited_and_nothing_of_the_scanner_outlives_it(tmp_path):
    code = (
        "import fcntl, pathlib, time\n"
        "lock = open('lock', 'w')\nfcntl.flock(lock, fcntl.LOCK_EX)\npathlib.Path('begun').touch()\n"
        "time.sleep(120)\npathlib.Path('ended').touch()"
    )
    with pytest.raises(ScannerFailed, match="longer than"):
        run([sys.executable, "-c", code], tmp_path, seconds=3, memory_megabytes=1000, output=tmp_path / "out")
    assert (tmp_path / "begun").exists()
    assert not (tmp_path / "ended").exists()
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_memory_is_limited(tmp_path):
    code = "import time\nx = bytearray(300_000_000)\ntime.sleep(60)"
    with pytest.raises(ScannerFailed, match="memory"):
        run([sys.executable, "-c", code], tmp_path, seconds=30, memory_megabytes=100, output=tmp_path / "out")


def test_a_scanner_sees_neither_network_nor_home_nor_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "token-of-the-user")
    code = (
        "import json, os, socket\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=2); reached = 'yes'\n"
        "except OSError as error:\n    reached = error.strerror or 'timed out'\n"
        "print(json.dumps({'home': os.environ['HOME'], 'names': sorted(os.environ), 'reached': reached}))"
    )
    status = run([sys.executable, "-c", code], tmp_path, seconds=30, memory_megabytes=1000, output=tmp_path / "out")
    said = json.loads((tmp_path / "out").read_text())
    assert status == 0
    assert "HF_TOKEN" not in said["names"]
    assert Path(said["home"]) != Path.home()
    assert said["reached"] != "yes"
    if isolation():
        assert "unreachable" in said["reached"]
