"""The stage `collect`: an index that knows artifacts by content, and the run's digest of them."""

from pathlib import Path

import pytest

from config.errors import InputRefused
from config.settings import Settings
from pipeline.artifacts import archive
from pipeline.artifacts.collect import Collect, digest_artifacts
from pipeline.stage import Manifest, Request, RunFolder
from tests.artifacts.hostile import put, zip_bytes
from tests.findings.running import parse, result, sarif


def collect(folder: Path, artifacts: Path, earlier: Path | None = None) -> Manifest:
    request = Request(
        artifacts=str(artifacts), artifacts_digest="", earlier_artifacts=str(earlier) if earlier else None
    )
    return RunFolder(folder, "code").execute(Collect(), Settings(), request, lambda _: None)


def test_names_of_artifacts_and_of_their_folder_do_not_count(tmp_path: Path) -> None:
    put(tmp_path, "one/a/report.json", b"1")
    put(tmp_path, "one/raw.json", b"2")
    put(tmp_path, "one/x.zip", zip_bytes({"r.json": b"3"}))
    put(tmp_path, "two/zzz.zip", (tmp_path / "one/x.zip").read_bytes())
    put(tmp_path, "two/other.sarif", b"2")
    put(tmp_path, "two/b/report.json", b"1")
    assert digest_artifacts(tmp_path / "one") == digest_artifacts(tmp_path / "two")


def test_content_counts(tmp_path: Path) -> None:
    put(tmp_path, "one/a.json", b"1")
    put(tmp_path, "two/a.json", b"2")
    assert digest_artifacts(tmp_path / "one") != digest_artifacts(tmp_path / "two")


def test_a_file_inside_an_artifact_is_known_by_its_path_there(tmp_path: Path) -> None:
    put(tmp_path, "one/a/x.json", b"1")
    put(tmp_path, "two/a/y.json", b"1")
    assert digest_artifacts(tmp_path / "one") != digest_artifacts(tmp_path / "two")


def test_the_same_artifact_twice_is_one(tmp_path: Path) -> None:
    put(tmp_path, "in/a.json", b"1")
    put(tmp_path, "in/copy.json", b"1")
    manifest = collect(tmp_path / "run", tmp_path / "in")
    assert manifest.counts["artifacts"] == manifest.counts["files"] == 1


def test_the_index_is_the_same_for_every_order_of_names(tmp_path: Path) -> None:
    for names, folder in ((("a", "b", "c"), "one"), (("c", "a", "b"), "two")):
        for name, content in zip(names, (b"1", b"2", b"3"), strict=True):
            put(tmp_path, f"{folder}/{name}/report.json", content)
    digests = [collect(tmp_path / f"run-{name}", tmp_path / name) for name in ("one", "two")]
    left, right = ((tmp_path / f"run-{name}/collect/index.jsonl").read_text() for name in ("one", "two"))
    strip = [
        [line.split('"place"')[0] + line.split('"report"')[1] for line in text.splitlines()] for text in (left, right)
    ]
    assert strip[0] == strip[1] and digests[0].counts == digests[1].counts


def test_no_report_is_written_to_the_run_folder(tmp_path: Path) -> None:
    put(tmp_path, "in/a.zip", zip_bytes({"a.json": b'{"password": "hunter2"}'}))
    collect(tmp_path / "run", tmp_path / "in")
    assert all(b"hunter2" not in path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())


def test_both_snapshots_are_indexed(tmp_path: Path) -> None:
    put(tmp_path, "new/a.json", b"1")
    put(tmp_path, "old/a.json", b"2")
    collect(tmp_path / "run", tmp_path / "new", tmp_path / "old")
    index = (tmp_path / "run/collect/index.jsonl").read_text()
    assert '"snapshot":"current"' in index and '"snapshot":"earlier"' in index


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.mkdir(), lambda path: (path / "empty").mkdir(parents=True)]
)
def test_nothing_there_is_refused_with_what_to_do(tmp_path: Path, make: object) -> None:
    make(tmp_path / "in")  # type: ignore[operator]
    with pytest.raises(InputRefused) as caught:
        digest_artifacts(tmp_path / "in")
    assert caught.value.exit_code == 3 and caught.value.hint


def test_a_single_file_is_an_artifact(tmp_path: Path) -> None:
    path = put(tmp_path, "report.zip", zip_bytes({"a.json": b"1", "b.json": b"2"}))
    assert collect(tmp_path / "run", path).counts == {"artifacts": 1, "files": 2, "bytes": 2, "rejected": 0}


def test_small_packed_files_are_written_only_to_be_read_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a file for each of a zip's entries would cost more than reading them."""
    made: list[Path] = []
    opened = archive.open_private
    monkeypatch.setattr(archive, "open_private", lambda path: (made.append(path), opened(path))[1])
    report = sarif([result("R1", "a.py", 1)])
    inner = zip_bytes({f"{number}.sarif": report for number in range(20)})
    put(tmp_path, "in/a.zip", zip_bytes({"inner.zip": inner, "b.sarif": report, "empty.json": b""}))
    collect(tmp_path / "out" / "runs" / "run", tmp_path / "in")
    assert len(made) == 1, "the zip inside, which has to be opened"
    made.clear()
    assert len(parse(tmp_path / "out", tmp_path / "in", run="again").findings()) == 1
    assert len(made) == 1 + 1 + 2, "collect's; then the zip inside, the report once, and the empty file"
