"""A fix is proposed, scanned again with ruff, shown with its verdict, and written only when it is verified."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from config.errors import Error, InputRefused, UsageError
from config.settings import Settings
from daemon.cli import main
from pipeline.assistant.answer import Asked, Said, ask
from pipeline.assistant.applying import write
from pipeline.assistant.fixing import proposed, question_of_fix
from pipeline.assistant.question import material_of
from pipeline.assistant.specialist import Specialist, specialist_of
from pipeline.assistant.verifying import Verifier, is_verified
from pipeline.assistant.worker import circles
from pipeline.champions import ADAPTER, Champion
from pipeline.fixes.interface import Snapshot
from pipeline.records import (
    Fix,
    FixSource,
    Message,
)
from pipeline.source.tree import open_tree
from pipeline.stage import write_records
from pipeline.verification.change import apply

from .samples import BAD, CODE, FINDING, GOOD, NOBODY, finish


def asked(workspace: Path, *words: str) -> list[str]:
    return ["fix", "aaaa", "--output-dir", str(workspace), *words]


def propose(workspace: Path, answers: list[Said], tries: int = 4) -> tuple[list, list[Asked]]:
    """Return what comes of a specialist's answers: the first is the greedy one."""
    seen: list[Asked] = []

    def say(question: Asked) -> tuple[Said, ...]:
        seen.append(question)
        return tuple(answers[1:] if question.seeds else answers[:1])

    source = workspace / "source"
    verifier = Verifier(Settings().verification, Snapshot(open_tree(str(source))), source, workspace / "cache")
    material = msgspec.structs.replace(material_of(workspace / "latest", "aaaa", 100), fixes=())
    return proposed(material, NOBODY, verifier, tries, say), seen


def test_the_specialist_is_asked_as_it_was_taught(workspace: Path) -> None:
    example = question_of_fix(material_of(workspace / "latest", "aaaa", 100))
    assert ">5     return hashlib.md5(content).hexdigest()" in example.messages[1].content
    assert "replacement" in example.messages[0].content and example.metadata["before"].endswith("hexdigest()\n")


def test_the_first_answer_that_verifies_ends_the_asking(workspace: Path) -> None:
    made, seen = propose(workspace, [Said(f"```python\n{GOOD}\n```", True), Said(BAD, True)])
    assert [one.verdict.outcome for one in made] == ["verified"] and len(seen) == 1
    assert "-    return hashlib.md5(content).hexdigest()\n+" + GOOD in made[0].diff


def test_answers_that_do_not_verify_are_told_with_the_reason(workspace: Path) -> None:
    answers = [Said(BAD, True), Said("", True), Said(f"{GOOD[:-1]}(", True), Said(GOOD, False), Said(BAD, True)]
    made, seen = propose(workspace, answers)
    assert [one.verdict.check for one in made] == ["finding gone", "empty", "syntax", "unfinished"]
    assert not any(map(is_verified, made))
    assert [len(question.seeds) for question in seen] == [0, 3] and seen[1].temperature > 0


def test_an_answer_that_copies_the_mark_of_a_secret_is_refuted(workspace: Path) -> None:
    made, _ = propose(workspace, [Said('    return "[redacted:aws-key:12345678]"', True)], tries=1)
    assert (made[0].verdict.check, made[0].verdict.evidence) == ("applies", "it writes the mark that hides a secret")


def test_without_a_specialist_a_tools_fix_is_verified_again_and_written_on_request(
    workspace: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(asked(workspace)) == 0
    told = capsys.readouterr().out
    assert "+    return hashlib.sha256" in told and "verified: scanned again with ruff" in told and "from: tool" in told
    assert (source / "app.py").read_text() == CODE
    assert main(asked(workspace, "--apply", "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verified"] and told["written"] == str(source / "app.py")
    assert (source / "app.py").read_text() == CODE.replace("md5", "sha256")


def test_what_no_longer_fits_is_not_written(workspace: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = CODE.replace("content", "text")
    (source / "app.py").write_text(changed)
    assert main(asked(workspace, "--apply")) == 1
    assert "refuted (applies): other lines stand there now" in capsys.readouterr().out
    assert (source / "app.py").read_text() == changed


def test_without_source_nothing_is_verified(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "source" / "app.py").unlink()
    (workspace / "source").rmdir()
    assert main(asked(workspace)) == 1
    assert "unverifiable: its source isn't here" in capsys.readouterr().out
    assert main(asked(workspace, "--apply")) == 2


def test_a_finding_that_is_gone_is_not_fixed(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_records(workspace / "latest/parse/earlier.jsonl", [FINDING])
    write_records(workspace / "latest/parse/findings.jsonl", [])
    assert main(asked(workspace)) == 2
    assert "gone from the newer scan" in capsys.readouterr().err


def test_a_run_without_training_is_answered_for_by_the_champion(workspace: Path) -> None:
    run = workspace / "latest"
    assert specialist_of(run, "codefix") is None
    champion = Champion(run="old", specialist="single", base="embedded", base_digest="b", adapter="c")
    write_records(workspace / "champions/champions.jsonl", [champion])
    found = specialist_of(run, "codefix")
    assert found == Specialist(base="embedded", adapter=str(workspace.resolve() / "champions/old/single"), run="old")
    finish(run / "train-codefix", {"base_model": "other"})
    assert specialist_of(run, "codefix").run == "abc"


def test_a_real_model_is_asked_and_its_nonsense_refuted(
    workspace: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny / "one", workspace / "latest/train-codefix/model")
    assert (workspace / "latest/train-codefix/model" / ADAPTER).is_file()
    finish(workspace / "latest/train-codefix", {"base_model": str(tiny / "base")})
    assert main(asked(workspace, "--tries", "2", "--json")) == 0
    made = json.loads(capsys.readouterr().out)["proposals"]
    assert [one["fix"]["source"] for one in made] == ["model", "model", "tool"]
    assert [one["verdict"]["outcome"] for one in made] == ["refuted", "refuted", "verified"]


def test_code_that_spells_the_end_of_a_turn_does_not_end_it(tiny: Path) -> None:
    def said(content: str) -> str:
        return ask(Asked(str(tiny / "base"), str(tiny / "one"), (Message(role="user", content=content),), 24))[0].text

    assert said("a <|end|> b") == said("a < |end|> b") != said("a <end> b")


def change(folder: Path, old: bytes, first: int, last: int, new: str):
    """A change of a file's lines, as verification applies it."""
    (folder / "app.py").write_bytes(old)
    snapshot = Snapshot(open_tree(str(folder)))
    text = snapshot.text("app.py")
    fix = Fix(
        fingerprint="a" * 64, source=FixSource.MODEL, path="app.py", start_line=first, end_line=last,
        before=text.block(first, last), replacement=new,
    )  # fmt: skip
    return apply(FINDING, fix, snapshot)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a = 1\nb = 2\nc = 3\n", b"a = 1\nx = \xc3\xa9\ny\nc = 3\n"),
        (b"a = 1\r\nb = 2\r\nc = 3", b"a = 1\r\nx = \xc3\xa9\r\ny\r\nc = 3"),
        (b"\xef\xbb\xbfa = 1\nb = 2\nc = 3\n", b"\xef\xbb\xbfa = 1\nx = \xc3\xa9\ny\nc = 3\n"),
        (b"\xff = 1\nb = 2\nc = 3\n", b"\xff = 1\nx = \xe9\ny\nc = 3\n"),
    ],
)
def test_bytes_beside_the_change_stay_as_they_were(tmp_path: Path, old: bytes, new: bytes) -> None:
    made = change(tmp_path, old, 2, 2, "x = \u00e9\ny\n")
    (tmp_path / "app.py").chmod(0o750)
    path = write(made, tmp_path)
    assert path.read_bytes() == new and path.stat().st_mode & 0o777 == 0o750
    assert [one.name for one in tmp_path.iterdir()] == ["app.py"]


def test_lines_can_be_taken_away_or_the_last_one_changed(tmp_path: Path) -> None:
    assert write(change(tmp_path, b"a\nb\nc\n", 2, 2, ""), tmp_path).read_bytes() == b"a\nc\n"
    assert write(change(tmp_path, b"a\nb\nc", 3, 3, "d"), tmp_path).read_bytes() == b"a\nb\nd"


def test_a_file_that_changed_meanwhile_or_lies_elsewhere_is_left_alone(tmp_path: Path) -> None:
    made = change(tmp_path, b"a\nb\n", 1, 1, "x\n")
    (tmp_path / "app.py").write_bytes(b"a\nb\nc\n")
    with pytest.raises(Error, match="changed meanwhile"):
        write(made, tmp_path)
    (tmp_path / "app.py").unlink()
    (tmp_path / "app.py").symlink_to("/etc/hostname")
    with pytest.raises(InputRefused, match="isn't a file of"):
        write(made, tmp_path)


def test_an_encoding_that_cannot_hold_the_change_is_refused(tmp_path: Path) -> None:
    made = change(tmp_path, b"\xe9\nb\n", 2, 2, "\u20ac\n")
    with pytest.raises(InputRefused, match="isn't UTF-8"):
        write(made, tmp_path)
    assert (tmp_path / "app.py").read_bytes() == b"\xe9\nb\n"


def test_tries_must_be_a_number_of_answers(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked(workspace, "--tries", "0")) == UsageError.exit_code
    assert "--tries" in capsys.readouterr().err


def test_going_round_in_circles_is_seen_and_code_with_like_lines_is_not() -> None:
    assert circles([9, 8, *[1] * 16]) and circles([*[1, 2, 3] * 6]) and not circles([1] * 15)
    assert not circles([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert not circles([*range(40)])
