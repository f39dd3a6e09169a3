"""How fast findings are read, and in how much memory, beside sarif-tools and plain `json`.

    python benchmarks/findings.py [--sizes 1 10 100] [--repeats 3] [--sarif-tools PYTHON]

One SARIF file of each size (1 is 2,000 results) is read by each contender in a process of its
own, in turns, so that a busy machine hits all of them alike. `json` and `sarif-tools` decode and
walk the results; `read` is our reader; `parse` is all of collect and parse: two passes over the
file, redaction, fingerprints, merging, and findings written. PYTHON is an interpreter that has
sarif-tools (`pip install sarif-tools`); without it that contender is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = 2_000
ROOT = Path(__file__).resolve().parents[1]
JSON = """
import json, sys
document = json.load(open(sys.argv[1]))
print(sum(1 for run in document["runs"] for result in run["results"] if result["locations"][0] and result["message"]))
"""
SARIF_TOOLS = """
import sys
from sarif import loader
print(len(loader.load_sarif_file(sys.argv[1]).get_records()))
"""
READ = """
import sys
from pathlib import Path
from pipeline.scanners.interface import RawFinding, Report
from pipeline.scanners.registry import recognise
path = Path(sys.argv[1])
with path.open(encoding="utf-8") as stream:
    report = Report(path=path, name=path.name, head=stream.read(65536), size=path.stat().st_size)
print(sum(isinstance(said, RawFinding) for said in recognise(report).read(report)))
"""
PARSE = """
import sys, tempfile
from pathlib import Path
from config.settings import Settings
from pipeline.artifacts.collect import Collect, digest_artifacts
from pipeline.findings.parse import Parse
from pipeline.stage import Request, RunFolder
path = Path(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    run = RunFolder(Path(folder) / "runs" / "run", "benchmark")
    request = Request(artifacts=str(path), artifacts_digest="")
    for stage in (Collect(), Parse()):
        counts = run.execute(stage, Settings(), request, lambda _: None).counts
    print(counts["before_merging"])
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sarif-tools", metavar="PYTHON")
    arguments = parser.parse_args()
    contenders = {"json": (sys.executable, JSON), "read": (sys.executable, READ), "parse": (sys.executable, PARSE)}
    if arguments.sarif_tools:
        contenders["sarif-tools"] = (arguments.sarif_tools, SARIF_TOOLS)
    columns = f"{'wall s':>8} {'CPU s':>8} {'findings/CPU s':>14} {'peak MB':>8} {'peak/file':>9}"
    print(f"{'size':>5} {'MB':>7} {'contender':<12} {columns}")
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            path = Path(folder) / f"{size}.sarif"
            write_report(path, size * RESULTS)
            show(size, path, contenders, arguments.repeats)
            path.unlink()


def show(size: int, path: Path, contenders: dict[str, tuple[str, str]], repeats: int) -> None:
    """Print the medians of one size."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    work: dict[str, list[float]] = {name: [] for name in contenders}
    peaks: dict[str, list[int]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, (python, code) in contenders.items():
            took, busy, peak, count = measure(python, code, path)
            if count != size * RESULTS:
                raise SystemExit(f"{name} found {count} of {size * RESULTS} results")
            seconds[name].append(took)
            work[name].append(busy)
            peaks[name].append(peak)
    megabytes = path.stat().st_size / 1e6
    for name in contenders:
        took, busy = statistics.median(seconds[name]), statistics.median(work[name])
        peak, rate = statistics.median(peaks[name]) / 1e6, size * RESULTS / busy
        print(
            f"{size:>5} {megabytes:>7.1f} {name:<12} {took:>8.2f} {busy:>8.2f} {rate:>14,.0f} {peak:>8.0f} "
            f"{peak / megabytes:>9.1f}"
        )


def measure(python: str, code: str, path: Path) -> tuple[float, float, int, int]:
    """Run one contender; return wall and CPU seconds, peak resident bytes, and how many it found."""
    started = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT) if python == sys.executable else ""}
    process = subprocess.Popen([python, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a contender failed with {process.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, int(said)


def write_report(path: Path, count: int) -> None:
    """Write a SARIF report like a real one: 60 rules with help, snippets, some flows, paths and lines that vary."""
    dice = random.Random(count)
    rules = [
        {
            "id": f"acme.python.rule-{number}",
            "shortDescription": {"text": f"Rule {number}"},
            "help": {"text": f"Don't do what rule {number} forbids. " * 20},
            "properties": {"tags": [f"CWE-{79 + number}: Something", "security"], "security-severity": "7.5"},
        }
        for number in range(60)
    ]
    head = {"name": "Acme", "version": "1.2.3", "rules": rules}
    with path.open("w") as stream:
        stream.write('{"version": "2.1.0", "runs": [{"tool": {"driver": ' + json.dumps(head) + '}, "results": [')
        for number in range(count):
            stream.write((",\n" if number else "") + json.dumps(result(dice, number)))
        stream.write("]}]}")


def result(dice: random.Random, number: int) -> dict[str, object]:
    """Return one result; each is a weakness of its own."""
    line = dice.randrange(1, 3000)
    region = {
        "startLine": line,
        "startColumn": 5,
        "endLine": line + 1,
        "endColumn": 40,
        "snippet": {
            "text": f"    value_{number} = request.args.get('name_{number}')\n    run(value_{number}, shell=True)"
        },
    }
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": f"src/module_{number % 997}/file_{number % 31}.py"},
            "region": region,
        }
    }
    found: dict[str, object] = {
        "ruleId": f"acme.python.rule-{number % 60}",
        "ruleIndex": number % 60,
        "level": dice.choice(["error", "warning", "note"]),
        "message": {"text": f"User input reaches `run` in function handler_{number % 211}. Validate it first."},
        "locations": [place],
        "fingerprints": {"matchBasedId/v1": f"{number:064x}"},
    }
    if number % 10 == 0:
        found["codeFlows"] = [{"threadFlows": [{"locations": [{"location": place}] * 3}]}]
    return found


if __name__ == "__main__":
    main()
