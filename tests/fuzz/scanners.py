"""Fuzz every scanner: `python -m tests.fuzz.scanners [-max_total_time=60] [corpus folders]`.

Needs `pip install atheris`. Without folders it starts from the golden corpus. Anything but findings, faults and
`ReportRefused`, or five seconds of CPU (instrumented code is slow) and two more a megabyte, is a crash.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

with suppress(ImportError):
    import atheris

    with atheris.instrument_imports(include=["pipeline.scanners"]):
        import pipeline.scanners.registry  # noqa: F401

from pipeline.scanners.interface import Report, ReportRefused
from pipeline.scanners.registry import SCANNERS, recognise

CORPUS = Path(__file__).resolve().parent.parent / "scanners"


def one_input(data: bytes) -> None:
    """Read the bytes with the reader that recognises them, and with one it chooses itself."""
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        path.write_bytes(data)
        head = data[:65536].decode("utf-8", errors="replace")
        report = Report(path=path, name="report", head=head, size=len(data))
        readers = [SCANNERS[len(data) % len(SCANNERS)]]
        with suppress(ReportRefused):
            readers.append(recognise(report))
        for reader in readers:
            try:
                for _ in reader.read(report):
                    pass
            except ReportRefused:
                continue
    if time.process_time() - start > 5 + 2 * len(data) / 1e6:
        raise TimeoutError(f"{len(data)} bytes took {time.process_time() - start:.1f} s")


def main() -> None:
    """Run atheris."""
    folders = [str(path) for path in CORPUS.iterdir() if path.is_dir() and path.name != "__pycache__"]
    given = any(not argument.startswith("-") for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as found:
        arguments = sys.argv if given else [*sys.argv, found, *folders]
        atheris.Setup(arguments, one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    if "atheris" not in sys.modules:
        sys.exit("This needs atheris: pip install atheris")
    main()
