"""Fuzz the extractor, and collect and parse after it: `python -m tests.fuzz.artifacts [--stages] [-max_total_time=60]`.

Needs `pip install atheris`. The bytes are an artifact: a zip, a gzip file, a report or neither.
Without `--stages` they are only unpacked and decoded, with it the two stages run. Anything but
findings, rejections and our own errors is a crash; so is a file left behind, more unpacked than
the limits allow, or five seconds of CPU (instrumented code is slow) and two more a megabyte.
"""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

with suppress(ImportError):
    import atheris

    with atheris.instrument_imports(include=["pipeline.artifacts", "pipeline.findings", "pipeline.scanners"]):
        import pipeline.artifacts.extract
        import pipeline.findings.parse  # noqa: F401

import msgspec

from config.errors import InputRefused
from config.settings import Artifacts
from pipeline.artifacts.decode import decode
from pipeline.artifacts.extract import private_folder, walk
from pipeline.artifacts.interface import Refusal, Unpacked
from tests.artifacts.hostile import raw_zip, streamed_zip, zip_bytes
from tests.findings.running import parse
from tests.fuzz.engine import folder_in_memory, start

CORPUS = Path(__file__).resolve().parent.parent / "scanners"
LIMITS = msgspec.structs.replace(
    Artifacts(), max_file_bytes=1 << 20, max_total_bytes=1 << 21, max_files=50, max_nesting=3
)
SMALL = 4_000
"""Samples up to this size are the first artifacts."""


def unpack(data: bytes, folder: Path) -> None:
    """Walk through the bytes as an artifact and decode each file in it."""
    artifact = folder / "artifact"
    artifact.write_bytes(data)
    unpacked = 0
    with private_folder(folder / "work") as scratch:
        for item in walk(artifact, LIMITS, scratch):
            if not isinstance(item, Unpacked):
                continue
            if item.path != artifact:
                unpacked += item.size
            with suppress(Refusal):
                decode(item.path, scratch / "decoded")
    if unpacked > LIMITS.max_total_bytes:
        raise AssertionError(f"{unpacked} bytes unpacked")
    if {path.name for path in folder.iterdir()} != {"artifact", "work"} or any((folder / "work").iterdir()):
        raise AssertionError("something was left behind, or written elsewhere")


def collect_and_parse(data: bytes, folder: Path) -> None:
    """Run both stages on a folder that holds the bytes as its only artifact."""
    (folder / "in").mkdir()
    (folder / "in" / "artifact").write_bytes(data)
    with suppress(InputRefused):
        parse(folder / "out", folder / "in")


def timed(work: Callable[[bytes, Path], None]) -> Callable[[bytes], None]:
    """Return a target that runs `work` in a folder of its own and raises when it takes too long."""

    def one_input(data: bytes) -> None:
        started = time.process_time()
        with folder_in_memory() as folder:
            work(data, Path(folder))
        took = time.process_time() - started
        if took > 5 + 2 * len(data) / 1e6:
            raise TimeoutError(f"{len(data)} bytes took {took:.1f} s")

    return one_input


def seeds() -> Iterator[bytes]:
    """Yield artifacts to start from: reports as they are, gzipped, zipped, and odd zips."""
    for path in sorted(CORPUS.glob("*/*.*")):
        content = path.read_bytes()
        if len(content) <= SMALL and path.suffix != ".py":
            yield content
    report = (CORPUS / "gitleaks" / "one.json").read_bytes()
    yield gzip.compress(report)
    yield zip_bytes({"a.json": report, "b/c.json.gz": gzip.compress(report), "d.zip": zip_bytes({"e.json": report})})
    yield streamed_zip({"a.json": report})
    yield raw_zip([(b"../a.json", report), (b"A.json", report), (b"a.json", report)])
    yield raw_zip([(b"link", b"/etc/passwd")], mode=0o120777)
    yield report.decode().encode("utf-16")


def main() -> None:
    """Run atheris."""
    work = collect_and_parse if "--stages" in sys.argv else unpack
    sys.argv = [argument for argument in sys.argv if argument != "--stages"]
    first = list(seeds())
    start(timed(work), first, first)


if __name__ == "__main__":
    if "atheris" not in sys.modules:
        sys.exit("This needs atheris: pip install atheris")
    main()
