"""Past commits mined: real repositories, real scanners; what was only hidden, moved or deleted is no fix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import InputRefused, UsageError
from daemon.cli import main
from pipeline.fixes.past.commits import steps
from pipeline.records import Excerpt, Finding, Fix, Verdict
from pipeline.stage import read_records

WEAK = "import hashlib\nimport subprocess\n\n\ndef digest(text):\n    return hashlib.md5(text).hexdigest()\n"
SHELL = "\n\ndef run(name):\n    return subprocess.call('ls ' + name, shell=True)\n"
SAFE = WEAK.replace("hashlib.md5", "hashlib.sha256")
DAYS = ("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01", "2024-07-01")


class Repository:
    """A git repository that is filled commit by commit."""

    def __init__(self, folder):
        self.folder = folder
        self.days = iter(DAYS)
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words, **environment):
        who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        who |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words], env=os.environ | who | environment, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def commit(self, **files):
        for name, text in files.items():
            path = self.folder / name.replace("__", ".")
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self.git("add", "-A")
        day = f"{next(self.days)}T12:00:00Z"
        self.git("commit", "-q", "-m", "x", GIT_AUTHOR_DATE=day, GIT_COMMITTER_DATE=day)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


@pytest.fixture
def mine(tmp_path, repository, monkeypatch):
    monkeypatch.delenv("FIXSMITH_VERIFICATION_PROGRAMS", raising=False)

    def run(since, to="mined"):
        words = ["--source", str(repository.folder), "--output-dir", str(tmp_path / "work"), "--to", str(tmp_path / to)]
        assert main(["findings", "mine", "--since", since, "--scanner", "bandit", *words]) == 0
        return tmp_path / to

    return run


def fixes(folder):
    return list(read_records(folder / "fixes.jsonl", Fix))


def test_a_persons_fix_is_mined_cut_small_verified_and_dated(repository, mine):
    first = repository.commit(a__py=WEAK + SHELL, b__txt="x")
    fixed = repository.commit(a__py=SAFE.replace("def digest(text)", "def digest(text: bytes)") + SHELL, b__txt="y")
    folder = mine(first)
    (fix,) = fixes(folder)
    assert fix.before.endswith("    return hashlib.md5(text).hexdigest()\n")
    assert fix.replacement.endswith("    return hashlib.sha256(text).hexdigest()\n")
    assert fix.end_line - fix.start_line < 2
    assert fix.commit == fixed
    assert fix.made.startswith("2024-02-01T12:00:00")
    assert f"in {fixed[:12]}" in fix.note
    (verdict,) = read_records(folder / "verdicts.jsonl", Verdict)
    assert verdict.outcome == "verified"
    assert verdict.evidence.startswith("scanned again with bandit")
    (finding,) = read_records(folder / "findings.jsonl", Finding)
    assert finding.fingerprint == fix.fingerprint
    assert finding.rule.cwes
    (excerpt,) = read_records(folder / "excerpts.jsonl", Excerpt)
    assert "hashlib.md5" in excerpt.text


def test_what_is_only_deleted_suppressed_moved_or_unreadable_is_no_fix(repository, mine):
    first = repository.commit(a__py=WEAK + SHELL)
    repository.commit(a__py=WEAK + SHELL.replace("shell=True)", "shell=True)  # nosec"))
    repository.commit(a__py=SHELL.replace("\n\ndef", "import subprocess\n\n\ndef"), c__py=WEAK)
    repository.commit(a__py=None)
    repository.commit(c__py=WEAK.replace("import subprocess\n", "") + "def (\n")
    repository.commit(c__py="")
    assert fixes(mine(first)) == []


def test_a_weakness_that_comes_back_and_goes_again_counts_once(repository, mine):
    first = repository.commit(a__py=WEAK)
    for text in (SAFE, WEAK):
        repository.commit(a__py=text)
    last = repository.commit(a__py=SAFE)
    (fix,) = fixes(mine(first))
    assert fix.commit == last


def test_since_is_a_date_or_a_commit_and_merges_count_by_their_first_parent(repository):
    first = repository.commit(a__py=WEAK)
    repository.commit(a__py=SAFE)
    repository.commit(a__py=WEAK, b__py="x = 1\n")
    assert [step.made[:10] for step in steps(repository.folder, "2024-02-15", "HEAD", 9)] == ["2024-03-01"]
    found = steps(repository.folder, first, "HEAD", 9)
    assert [step.changed for step in found] == [("a.py",), ("a.py",)]
    assert found[0].added == ("b.py",)
    assert len(steps(repository.folder, first, "HEAD", 1)) == 1


def test_no_repository_no_commit_and_no_such_scanner_are_said(repository, tmp_path):
    with pytest.raises(InputRefused, match="no git repository"):
        steps(tmp_path, "2024-01-01", "HEAD", 9)
    repository.commit(a__py=WEAK)
    with pytest.raises(InputRefused, match="no commit v9"):
        steps(repository.folder, "2024-01-01", "v9", 9)
    words = ["findings", "mine", "--since", "2024-01-01", "--source", str(repository.folder)]
    assert main([*words, "--output-dir", str(tmp_path / "work"), "--scanner", "nessus"]) == UsageError.exit_code


def test_mining_twice_writes_the_same_bytes(repository, mine):
    first = repository.commit(a__py=WEAK + SHELL)
    repository.commit(a__py=SAFE + SHELL.replace("'ls ' + name, shell=True", "['ls', name]"))
    one, two = mine(first), mine(first, "again")
    assert len(fixes(one)) == 2
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


def test_what_was_mined_is_learned(repository, mine, tmp_path):
    first = repository.commit(a__py=WEAK)
    repository.commit(a__py=SAFE)
    folder = mine(first)
    reports = tmp_path / "reports"
    reports.mkdir()
    repository.commit(d__py=SHELL.replace("\n\ndef", "import subprocess\n\n\ndef"))
    bandit = str(Path(sys.executable).with_name("bandit"))
    command = [bandit, "-q", "-f", "json", "--exit-zero", "-o", str(reports / "bandit.json"), "d.py"]
    subprocess.run(command, cwd=repository.folder, check=True, capture_output=True)
    from pipeline.process_artifacts import main as process

    words = ["--artifacts-dir", str(reports), "--source", str(repository.folder), "--mined", str(folder), "--json",
             "--output-dir", str(tmp_path / "out"), "--skip-fine-tuning", "--disable-rag"]  # fmt: skip
    assert process(words) == 0
    rows = [json.loads(line) for path in (tmp_path / "out/dataset/codefix").glob("*.jsonl")
            for line in path.read_text().splitlines()]  # fmt: skip
    assert [row["metadata"]["source"] for row in rows] == ["history"]
    assert "sha256" in rows[0]["messages"][2]["content"]
    (folder / "mined.json").unlink()
    assert process(words) == 3


def test_a_signed_commit_is_listed_and_nobody_is_asked_whether_the_signature_holds(repository, tmp_path):
    first, second = repository.commit(a__py=WEAK), repository.commit(a__py=SAFE)
    head, _, message = repository.git("cat-file", "commit", second).partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----"
    (tmp_path / "signed").write_text(f"{head}\n{signature}\n\n{message}\n")
    signed = repository.git("hash-object", "-t", "commit", "-w", str(tmp_path / "signed"))
    asked, program = tmp_path / "asked", tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\ntouch {asked}\necho it does\n")
    program.chmod(0o755)
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "gpg.program", str(program))
    assert [step.commit for step in steps(repository.folder, first, signed, 9)] == [signed]
    assert not asked.exists()
