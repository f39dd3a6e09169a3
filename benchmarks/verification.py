"""Verdicts a minute, one scanner start for each fix against one for many: `python benchmarks/verification.py [RULES]`.

Scanners are found on PATH or named in FIXSMITH_VERIFICATION_PROGRAMS; RULES is a file or folder of Semgrep rules.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from config.load import load_settings
from pipeline.verification.batch import Batches
from pipeline.verification.cache import ScanCache
from pipeline.verification.interface import Files, Runner, ScannerMissing, Setup
from pipeline.verification.runners.registry import RUNNERS, find_setup

VERDICTS = 50
"""Fixes verified together; each takes two scans, before and after."""
SINGLES = 3

PYTHON = "import hashlib\n\n\ndef digest_{n}(content):\n    return hashlib.md5(content).hexdigest()\n"
TERRAFORM = 'resource "aws_db_instance" "d{n}" {{\n  storage_encrypted = false\n}}\n'
DOCKERFILE = "FROM debian:{n}\nRUN apt-get update && apt-get install curl\n"
WORKFLOW = "on: push\njobs:\n  a{n}:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n"
JAVASCRIPT = "const hash = (content) => require('crypto').createHash('md5').update(content + {n}).digest('hex');\n"
SAMPLES = {
    "checkov": ("main.tf", TERRAFORM), "trivy": ("main.tf", TERRAFORM), "tfsec": ("main.tf", TERRAFORM),
    "hadolint": ("Dockerfile", DOCKERFILE), "zizmor": (".github/workflows/ci.yml", WORKFLOW),
    "eslint": ("a.js", JAVASCRIPT), "njsscan": ("a.js", JAVASCRIPT),
}  # fmt: skip


def cases(runner: Runner, count: int, start: int = 0) -> list[Files]:
    """Cases of different content, two for each verdict."""
    path, text = SAMPLES.get(runner.name, ("a.py", PYTHON))
    return [{path: text.format(n=number).encode()} for number in range(start, start + 2 * count)]


def rates(runner: Runner, setup: Setup) -> Iterator[float]:
    """Verdicts a minute: single, then batched."""
    chosen = load_settings().verification
    started = time.monotonic()
    for number in range(SINGLES):
        for case in cases(runner, 1, 10_000 + 2 * number):
            Batches(runner, setup, chosen, ScanCache(None)).scan([case])
    yield SINGLES * 60 / (time.monotonic() - started)
    started = time.monotonic()
    Batches(runner, setup, chosen, ScanCache(None)).scan(cases(runner, VERDICTS))
    yield VERDICTS * 60 / (time.monotonic() - started)


def main() -> None:
    """Print a row for each scanner that is installed."""
    rules = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = load_settings(None).verification
    settings = type(chosen)(**{n: getattr(chosen, n) for n in chosen.__struct_fields__} | {"semgrep_rules": rules})
    print(f"{'scanner':12} {'single':>10} {'batched':>10} {'times':>7}   verdicts a minute, {VERDICTS} together")
    for runner in RUNNERS:
        try:
            single, batched = rates(runner, find_setup(runner, settings))
        except ScannerMissing as missing:
            print(f"{runner.name:12} {missing.message}")
            continue
        print(f"{runner.name:12} {single:10.1f} {batched:10.1f} {batched / single:7.1f}")


if __name__ == "__main__":
    main()
