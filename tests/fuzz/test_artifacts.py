"""Any bytes as an artifact: findings, rejections or our own refusal, within bounds that are counted, not timed."""

import gzip
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.artifacts import archive
from pipeline.artifacts.interface import Budget, Refusal
from pipeline.findings.normalise import Normaliser
from pipeline.findings.redaction import Redactor
from pipeline.scanners.interface import RawFinding, Report
from pipeline.scanners.registry import recognise
from tests.artifacts.hostile import raw_zip, zip_bytes
from tests.findings.running import result, sarif
from tests.fuzz.artifacts import CORPUS, LIMITS, collect_and_parse, seeds, unpack

SEEDS = list(seeds())
REPORTS = [path.read_bytes() for path in sorted(CORPUS.glob("*/one.*"))]
HARD = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a report or an archive with a few bytes changed, a part cut out or doubled."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        data[start:end] = draw(st.one_of(st.binary(max_size=12), st.just(bytes(data[start:end] * 2))))
    return bytes(data)


@st.composite
def packed(draw: st.DrawFn) -> bytes:
    """Return bytes packed up to five levels deep, or a zip with names of any kind."""
    content = draw(st.one_of(st.binary(max_size=200), st.sampled_from(REPORTS)))
    if draw(st.booleans()):
        names = draw(st.lists(st.binary(max_size=12), max_size=4))
        return raw_zip([(name, content) for name in names], mode=draw(st.sampled_from([0, 0o100644, 0o120777])))
    for kind in draw(st.lists(st.sampled_from(["zip", "gzip"]), max_size=5)):
        content = zip_bytes({"a.json": content}) if kind == "zip" else gzip.compress(content)
    return content


ANYTHING = st.one_of(st.binary(max_size=400), damaged(), packed())


def in_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder: Hypothesis runs many examples in one test."""
    return tempfile.TemporaryDirectory()


@HARD
@given(ANYTHING)
def test_unpacking_ends_in_files_or_reasons_and_leaves_nothing(data: bytes) -> None:
    with in_folder() as folder:
        unpack(data, Path(folder))


@HARD
@given(ANYTHING)
def test_both_stages_end_in_records_or_our_own_refusal(data: bytes) -> None:
    with in_folder() as folder:
        collect_and_parse(data, Path(folder))


class Counted:
    """A stream that counts what is asked of it."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def read(self, size: int, /) -> bytes:
        """Return zeros, without end."""
        self.read_bytes += size
        return bytes(size)


@given(packed_size=st.integers(0, 5_000))
def test_a_stream_without_end_is_read_no_further_than_the_limits(packed_size: int) -> None:
    stream = Counted()
    with in_folder() as folder:
        try:
            archive.inflate(stream, Path(folder) / "out", packed_size, Budget(LIMITS))
        except Refusal:
            pass
        else:
            raise AssertionError("an endless stream was read to its end")
    assert stream.read_bytes <= LIMITS.max_file_bytes + 2 * archive.CHUNK


@HARD
@given(st.integers(1, 60))
def test_the_rules_look_at_a_text_a_bounded_number_of_times(copies: int) -> None:
    """The redactor's passes and the texts it sees grow with the results, not with their square."""
    seen: list[str] = []

    class Watching(Redactor):
        def _segment(self, text: str) -> str:
            seen.append(text)
            return super()._segment(text)

    normaliser = Normaliser(Watching(b"k" * 32))
    report = sarif(
        [result(f"R{n}", f"src/{n}.py", n + 1, message=f"token ghp_{'a1B2' * 9} {n}") for n in range(copies)]
    )
    with in_folder() as folder:
        path = Path(folder) / "report"
        path.write_bytes(report)
        said = Report(path=path, name="report", head=report.decode(), size=len(report))
        for raw in recognise(said).read(said):
            assert isinstance(raw, RawFinding)
            normaliser.finding(raw)
    assert len(seen) <= 40 * (copies + 1)
