"""Peak memory stays near the file's size: each result is decoded on its own slice of the mapped file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scanners.corpus import HERE

ROOT = HERE.parent.parent
PROGRAM = """
import resource, sys
from pathlib import Path
from pipeline.scanners.interface import Report
from pipeline.scanners.registry import recognise
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
path = Path(sys.argv[1])
with path.open("rb") as file:
    head = file.read(65536).decode()
report = Report(path=path, name=path.name, head=head, size=path.stat().st_size)
count = sum(1 for _ in recognise(report).read(report))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "truncated"])
def test_forty_megabytes_of_sarif_take_less_than_four_times_their_size(tmp_path: Path, cut: bool) -> None:
    log = json.loads((HERE / "semgrep" / "many.sarif").read_text())
    results = log["runs"][0]["results"]
    one = json.dumps(results[1])
    log["runs"][0]["results"] = ["@"]
    before, after = json.dumps(log).split('"@"')
    path = tmp_path / "big.sarif"
    count = 40_000_000 // len(one)
    text = before + ",".join([one] * count) + ("" if cut else after)
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    read, grown = map(int, done.stdout.split())
    assert read == count + cut  # the break is one fault more
    assert grown < 4 * path.stat().st_size
