"""Fuzz every scanner: `python -m tests.fuzz.scanners [-max_total_time=60] [corpus folders]`.

Needs `pip install atheris`. Without folders it starts from the golden corpus. Anything but findings, faults and
`ReportRefused`, or five seconds of CPU (instrumented code is slow) and two more a megabyte, is a crash.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

with suppress(ImportError):
    import atheris

    with atheris.instrument_imports(include=["pipeline.scanners"]):
        import pipeline.scanners.registry  # noqa: F401

from pipeline.scanners import bounded
from pipeline.scanners.interface import Report, ReportRefused
from pipeline.scanners.registry import SCANNERS, recognise
from tests.fuzz.engine import folder_in_memory, start
from tests.scanners.corpus import samples


def one_input(data: bytes, folder: Path) -> None:
    """Read the bytes with the reader that recognises them, and with one chosen by their length."""
    started = time.process_time()
    path = folder / f"report-{time.monotonic_ns()}"
    path.write_bytes(data)
    head = data[:65536].decode("utf-8", errors="replace")
    report = Report(path=path, name="report", head=head, size=len(data))
    readers = [SCANNERS[len(data) % len(SCANNERS)]]
    try:
        with suppress(ReportRefused):
            readers.append(recognise(report))
        for reader in readers:
            with suppress(ReportRefused):
                for _ in bounded.read(reader, report):
                    pass
    finally:
        path.unlink()
    if time.process_time() - started > 5 + 2 * len(data) / 1e6:
        raise TimeoutError(f"{len(data)} bytes took {time.process_time() - started:.1f} s")


def main() -> None:
    """Run atheris."""
    reports = [path.read_bytes() for path in samples()]
    with folder_in_memory() as folder:
        start(lambda data: one_input(data, Path(folder)), reports, reports)


if __name__ == "__main__":
    if "atheris" not in sys.modules:
        sys.exit("This needs atheris: pip install atheris")
    main()
