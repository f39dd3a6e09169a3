"""The stage `locate`, on small trees."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from config.settings import Settings, Source
from pipeline.records import Domain, Excerpt, Finding
from pipeline.source.locate import Locate
from pipeline.stage import Context, Request, read_records, write_records
from tests.source.trees import finding_at, repository, run_git, write_files


def locate(tmp_path: Path, findings: list[Finding], source: Path | None, commit: str | None = None, **settings: int):
    parsed, folder = tmp_path / "runs/x/parse", tmp_path / "runs/x/locate"
    write_records(parsed / "findings.jsonl", findings)
    folder.mkdir(parents=True, exist_ok=True)
    warnings: list[str] = []
    counts = Locate().run(
        Context(
            folder=folder,
            work=tmp_path,
            inputs={"parse": parsed},
            request=Request(artifacts="a", artifacts_digest="d", source=str(source) if source else None, commit=commit),
            settings=Settings(source=Source(**settings)),
            progress=lambda _: None,
            warnings=warnings,
        )
    )
    return counts, list(read_records(folder / "excerpts.jsonl", Excerpt)), warnings


def test_an_excerpt_holds_the_flagged_lines(tmp_path: Path) -> None:
    source = write_files(tmp_path / "src", {"notes.txt": "".join(f"line {n}\n" for n in range(1, 101))})
    counts, (excerpt,), _ = locate(tmp_path, [finding_at("notes.txt", 50, 51)], source, context_lines=3)
    assert (excerpt.start_line, excerpt.flagged) == (47, (50, 51))
    assert excerpt.text == "".join(f"line {n}\n" for n in range(47, 55))
    assert counts["tiers"] == {"window": 1}


def test_no_source_leaves_the_reports_own_snippet_and_says_so(tmp_path: Path) -> None:
    findings = [finding_at("a.py", 7, snippet="eval(x)"), finding_at("b.py", 1)]
    counts, (excerpt,), warnings = locate(tmp_path, findings, None)
    assert (excerpt.text, excerpt.flagged) == ("eval(x)\n", (7, 7))
    assert counts["reasons"] == {"no_source_given": 2} and counts["from_the_report"] == 1
    assert "No --source" in warnings[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x01", "binary"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "lfs_pointer"),
        (b"", "empty_file"),
        (b"one line\n", "lines_past_the_end"),
        (b"x" * 3_000_000, "too_large"),
        (None, "no_such_file"),
    ],
)
def test_each_reason_for_no_excerpt_is_counted(tmp_path: Path, content: bytes | None, reason: str) -> None:
    source = write_files(tmp_path / "src", {"other": "x", **({"a.txt": content} if content is not None else {})})
    counts, excerpts, _ = locate(tmp_path, [finding_at("a.txt", 5)], source)
    assert (excerpts, counts["reasons"]) == ([], {reason: 1})


def test_a_secret_found_in_one_file_is_hidden_in_every_excerpt(tmp_path: Path) -> None:
    source = write_files(
        tmp_path / "src", {"a.py": 'token = "hunter2hunter2"\n', "b.py": "send('x', 'hunter2hunter2')\n"}
    )
    findings = [finding_at("a.py", 1, domain=Domain.SECRETS), finding_at("b.py", 1)]
    _, excerpts, _ = locate(tmp_path, findings, source)
    assert len(excerpts) == 2 and not any("hunter2" in excerpt.text for excerpt in excerpts)


def test_the_commit_is_read_not_the_working_copy(tmp_path: Path) -> None:
    first, _ = repository(tmp_path / "src", {"a.txt": "old\n"}, {"a.txt": "new\n"})
    _, (excerpt,), _ = locate(tmp_path, [finding_at("a.txt", 1)], tmp_path / "src", first)
    assert excerpt.text == "old\n"


def test_a_missing_commit_is_counted_and_said(tmp_path: Path) -> None:
    repository(tmp_path / "src", {"a.txt": "old\n"})
    counts, excerpts, warnings = locate(tmp_path, [finding_at("a.txt", 1)], tmp_path / "src", "0" * 40)
    assert not excerpts and counts["reasons"] == {"missing_commit": 1} and "doesn't hold commit" in warnings[0]


def test_a_private_key_is_hidden_line_by_line_and_in_every_window_of_it(tmp_path: Path) -> None:
    body = [f"{number:02d}" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" for number in range(30)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----"])
    source = write_files(tmp_path / "src", {"k.txt": f"before\n{key}\nafter\n"})
    findings = [finding_at("k.txt", 2, domain=Domain.SECRETS), finding_at("k.txt", 20)]
    _, excerpts, _ = locate(tmp_path, findings, source, context_lines=4)
    for excerpt in excerpts:
        assert "MIIE" not in excerpt.text and excerpt.text.count("\n") == 9 - (excerpt.start_line == 1) * 3


def test_a_word_that_is_a_secret_here_stays_a_word_elsewhere(tmp_path: Path) -> None:
    source = write_files(tmp_path / "src", {"a.py": 'password = "default"\n', "b.py": "default = 1\n"})
    findings = [finding_at("a.py", 1, domain=Domain.SECRETS), finding_at("b.py", 1)]
    _, (secret, other), _ = locate(tmp_path, findings, source)
    assert "default" not in secret.text and other.text == "default = 1\n"


def test_each_finding_is_read_in_the_commit_its_own_report_names(tmp_path: Path) -> None:
    first, second, third = repository(tmp_path / "src", {"a.txt": "old\n"}, {"a.txt": "new\n"}, {"a.txt": "newest\n"})
    findings = [
        msgspec.structs.replace(finding_at("a.txt", 1), fingerprint=name, commit=commit)
        for name, commit in (("plain", None), ("first", first), ("run's", third), ("short", second[:12]))
    ]
    counts, excerpts, warnings = locate(tmp_path, findings, tmp_path / "src", third)
    assert {one.fingerprint: one.text for one in excerpts} == {
        "plain": "newest\n", "first": "old\n", "run's": "newest\n", "short": "new\n",
    }  # fmt: skip
    assert [one.fingerprint for one in excerpts] == ["plain", "first", "run's", "short"]
    assert counts["files"] == {"commit_of_its_report": 2} and not warnings


def test_a_commit_the_source_does_not_hold_is_said_and_the_runs_stands_in(tmp_path: Path) -> None:
    repository(tmp_path / "src", {"a.txt": "text\n"})
    finding = msgspec.structs.replace(finding_at("a.txt", 1), commit="f" * 40)
    counts, (excerpt,), warnings = locate(tmp_path, [finding], tmp_path / "src")
    assert excerpt.text == "text\n" and counts["files"] == {}
    assert warnings == ["1 findings are of commit ffffffffffff, which the source doesn't hold."]
    _, (excerpt,), warnings = locate(tmp_path, [finding], write_files(tmp_path / "plain", {"a.txt": "plain\n"}))
    assert excerpt.text == "plain\n" and not warnings


def test_what_kind_of_file_it_is_stands_in_the_manifest(tmp_path: Path) -> None:
    source = write_files(
        tmp_path / "src",
        {
            "vendor/a.js": "x\n",
            "b_pb2.py": "x = 1\n",
            "c.py": "# Code generated by hand. DO NOT EDIT.\nx = 1\n",
            "d.py": "x\n",
        },
    )
    counts, excerpts, _ = locate(
        tmp_path, [finding_at(path, 1) for path in ("vendor/a.js", "b_pb2.py", "c.py", "d.py")], source
    )
    assert counts["files"] == {"generated": 2, "vendored": 1} and len(excerpts) == 4


def test_a_file_in_a_submodule_is_counted(tmp_path: Path) -> None:
    repository(tmp_path / "inner", {"x.py": "x\n"})
    repository(tmp_path / "src", {"a.py": "x\n"})
    run_git(tmp_path / "src", "submodule", "add", "-q", str(tmp_path / "inner"), "lib")
    run_git(tmp_path / "src", "commit", "-q", "-m", "submodule")
    commit = run_git(tmp_path / "src", "rev-parse", "HEAD")
    counts, excerpts, _ = locate(tmp_path, [finding_at("lib/x.py", 1)], tmp_path / "src", commit)
    assert not excerpts and counts["reasons"] == {"in_a_submodule": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_every_encoding_is_read_line_by_line(tmp_path: Path, encoding: str) -> None:
    text = "# é\r\ndef f():\x0c\r\n\treturn 1\r\n"
    source = write_files(tmp_path / "src", {"a.py": text.encode(encoding)})
    _, (excerpt,), _ = locate(tmp_path, [finding_at("a.py", 3)], source)
    assert (excerpt.text, excerpt.symbol) == ("def f():\x0c\n\treturn 1\n", "f")
