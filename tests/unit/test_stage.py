"""The hand-over between stages: atomic, bound by digests, repeatable."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.errors import Error
from config.settings import Settings
from pipeline.records import Rejection
from pipeline.stage import Context, Request, RunFolder, read_records, write_atomically, write_records

REQUEST = Request(artifacts="a", artifacts_digest="0")


class Writes:
    """A stage that writes one file."""

    def __init__(self, name: str = "first", needs: tuple[str, ...] = (), text: str = "x", fail: bool = False) -> None:
        self.name, self.needs, self.text, self.fail = name, needs, text, fail
        self.runs = 0

    def settings(self, settings: Settings, request: Request) -> Any:
        return {"text": self.text}

    def run(self, context: Context) -> dict[str, Any]:
        self.runs += 1
        (context.folder / "out.txt").write_text(self.text)
        if self.fail:
            raise Error("broken")
        return {"files": 1}


def execute(folder: RunFolder, stage: Writes):
    return folder.execute(stage, Settings(), REQUEST, lambda progress: None)


def test_a_finished_stage_is_done_for_the_same_settings_only(tmp_path: Path) -> None:
    folder, stage = RunFolder(tmp_path, "code"), Writes()
    execute(folder, stage)
    assert folder.is_done(stage, Settings(), REQUEST)
    assert not folder.is_done(Writes(text="y"), Settings(), REQUEST)
    assert not RunFolder(tmp_path, "other code").is_done(stage, Settings(), REQUEST)


def test_a_failing_stage_leaves_no_folder_of_its_name(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "code")
    with pytest.raises(Error, match="broken"):
        execute(folder, Writes(fail=True))
    assert not (tmp_path / "first").exists()
    assert execute(folder, Writes()).outputs["out.txt"].bytes == 1


def test_a_failing_repeat_keeps_what_was_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "code")
    execute(folder, Writes())
    with pytest.raises(Error):
        execute(folder, Writes(text="new", fail=True))
    assert (tmp_path / "first" / "out.txt").read_text() == "x"


def test_changed_output_makes_the_next_stage_stale(tmp_path: Path) -> None:
    folder, second = RunFolder(tmp_path, "code"), Writes("second", ("first",))
    execute(folder, Writes())
    execute(folder, second)
    assert folder.is_done(second, Settings(), REQUEST)
    execute(folder, Writes(text="changed"))
    assert not folder.is_done(second, Settings(), REQUEST)


def test_a_stage_whose_need_is_missing_says_which(tmp_path: Path) -> None:
    with pytest.raises(Error, match="needs first"):
        execute(RunFolder(tmp_path, "code"), Writes("second", ("first",)))


def test_the_work_folder_survives_a_failure_and_is_emptied_for_another_key(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "code")
    seen: list[list[str]] = []

    class Resumes(Writes):
        def run(self, context: Context) -> dict[str, Any]:
            seen.append(sorted(path.name for path in context.work.iterdir()))
            (context.work / "checkpoint").write_text("1")
            return super().run(context)

    for stage in (Resumes(fail=True), Resumes(fail=True), Resumes(text="other", fail=True)):
        with pytest.raises(Error):
            execute(folder, stage)
    assert seen == [["key"], ["checkpoint", "key"], ["key"]]


def test_a_truncated_manifest_means_not_done(tmp_path: Path) -> None:
    folder, stage = RunFolder(tmp_path, "code"), Writes()
    execute(folder, stage)
    manifest = tmp_path / "first" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:20])
    assert not folder.is_done(stage, Settings(), REQUEST)


def test_records_come_back_as_written(tmp_path: Path) -> None:
    records = [Rejection(artifact="a", report="b", reason="ü\n" * 3), Rejection(artifact="", report="", reason="")]
    assert write_records(tmp_path / "r.jsonl", records) == 2
    assert list(read_records(tmp_path / "r.jsonl", Rejection)) == records


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"artifact":"a","report":"b","reason":"c"}\n{"artifact":1}\n')
    with pytest.raises(Error, match="line 2"):
        list(read_records(tmp_path / "r.jsonl", Rejection))


def test_an_atomic_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "f", b"1")
    write_atomically(tmp_path / "f", b"2")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"2"


def test_the_identity_of_a_request_does_not_depend_on_where_things_lie() -> None:
    moved = msgspec.structs.replace(REQUEST, artifacts="elsewhere", source="s")
    assert moved.identity() == REQUEST.identity()
    assert msgspec.structs.replace(REQUEST, artifacts_digest="1").identity() != REQUEST.identity()


def test_what_another_run_finished_the_same_way_is_taken_over_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    execute(RunFolder(tmp_path / "runs" / "one", "code"), Writes())
    folder = RunFolder(tmp_path / "two", "code")
    folder.path.mkdir()
    for stage in (Writes(text="y"), Writes("second")):
        assert not folder.adopt(stage, tmp_path / "runs", Settings(), REQUEST)
    assert not RunFolder(folder.path, "other code").adopt(Writes(), tmp_path / "runs", Settings(), REQUEST)
    assert not folder.adopt(Writes(), tmp_path / "nowhere", Settings(), REQUEST)
    assert folder.adopt(Writes(), tmp_path / "runs", Settings(), REQUEST)
    assert folder.is_done(Writes(), Settings(), REQUEST)
    assert (tmp_path / "two" / "first" / "out.txt").read_text() == "x"
    execute(folder, Writes(text="y"))
    assert (tmp_path / "runs" / "one" / "first" / "out.txt").read_text() == "x", "the other run keeps its own"
