"""Real artifacts to findings and data sets, through the command."""

import json
import os
import shutil
import subprocess
from pathlib import Path

SKIP = "--skip-fine-tuning"


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def second(demo: Path) -> list[object]:
    return [
        *("--artifacts-dir", demo / "artifacts" / "second", "--source", demo / "app" / "second"),
        *("--earlier-artifacts", demo / "artifacts" / "first", "--earlier-source", demo / "app" / "first"),
        *("--config", demo / "settings.yaml"),
    ]


def test_the_demo_artifacts_give_findings_and_both_data_sets(command, demo) -> None:
    done = command(*second(demo), "--output-dir", "out", SKIP)
    assert done.returncode == 0, done.stderr
    out = command.folder / "out"
    assert len(lines(out / "findings.jsonl")) > 50
    for kind in ("analysis", "codefix"):
        for part in ("train", "valid", "test"):
            rows = lines(out / "dataset" / kind / f"{part}.jsonl")
            assert rows, (kind, part)
            assert all(
                [message["role"] for message in row["messages"]] == ["system", "user", "assistant"] for row in rows
            )


def test_a_quick_test_trains_on_few_and_still_holds_some_out(command, demo) -> None:
    (command.folder / "few.yaml").write_text("dataset: {quick_test_examples: 8}\nknowledge: {enabled: false}\n")
    inputs = ["--artifacts-dir", demo / "artifacts" / "second", "--source", demo / "app" / "second"]
    assert command(*inputs, "--config", "few.yaml", "--output-dir", "out", SKIP, "--quick-test").returncode == 0
    lines = {
        part: len((command.folder / "out/dataset/analysis" / f"{part}.jsonl").read_text().splitlines())
        for part in ("train", "valid", "test")
    }
    assert lines == {"train": 8, "valid": 2, "test": 2}


def test_a_reader_that_leaves_costs_no_traceback_and_no_work(command, demo) -> None:
    arguments = (*second(demo), "--output-dir", "out", SKIP)
    assert command(*arguments).returncode == 0
    for more, code in (((), 0), (("--json",), 75)):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as nobody:
            done = subprocess.run(
                command.arguments(*arguments, *more), cwd=command.folder, env=command.environment, stdout=nobody,
                stderr=subprocess.PIPE, text=True, timeout=300, check=False,
            )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_no_cluster_stands_on_both_sides(command, demo) -> None:
    command(*second(demo), "--output-dir", "out", SKIP)
    sides: dict[str, set[str]] = {}
    for kind in ("analysis", "codefix"):
        for part in ("train", "valid", "test"):
            for row in lines(command.folder / "out" / "dataset" / kind / f"{part}.jsonl"):
                sides.setdefault(row["metadata"]["cluster"], set()).add(part)
    assert all(len(parts) == 1 for parts in sides.values())


def test_the_seed_artifacts_give_findings_and_data_sets(command, seed_artifacts) -> None:
    done = command("--artifacts-dir", seed_artifacts, "--output-dir", "out", SKIP)
    assert done.returncode == 0, done.stderr
    scanners = {row["scanner"]["name"] for row in lines(command.folder / "out" / "findings.jsonl")}
    assert len(scanners) >= 5
    assert lines(command.folder / "out" / "dataset" / "codefix" / "train.jsonl")


def test_the_same_again_is_up_to_date_and_the_same_bytes(command, demo) -> None:
    command(*second(demo), "--output-dir", "out", SKIP)
    again = command(*second(demo), "--output-dir", "out", SKIP, "--json")
    summary = json.loads(again.stdout.splitlines()[-1])
    assert summary["up_to_date"] is True
    (command.folder / "other").mkdir()
    shutil.copy(command.folder / "out" / "redaction.key", command.folder / "other")
    other = command(*second(demo), "--output-dir", "other", SKIP)
    assert other.returncode == 0
    for name in ("findings.jsonl", "dataset/analysis/train.jsonl", "dataset/codefix/train.jsonl"):
        one, two = ((command.folder / where / name).read_bytes() for where in ("out", "other"))
        assert one == two


def test_a_corrupt_report_among_good_ones_is_named_and_the_rest_goes_on(command, demo) -> None:
    artifacts = command.folder / "artifacts"
    shutil.copytree(demo / "artifacts" / "first", artifacts)
    (artifacts / "broken-results").mkdir()
    (artifacts / "broken-results" / "broken.sarif").write_text('{"version": "2.1.0", "runs": [{"tool": {"driver"')
    done = command("--artifacts-dir", artifacts, "--output-dir", "out", SKIP)
    assert done.returncode == 0, done.stderr
    assert any("broken.sarif" in row["report"] for row in lines(command.folder / "out" / "rejected.jsonl"))
    assert "warning" in done.stdout


def test_when_nothing_can_be_read_it_says_so_with_exit_3(command) -> None:
    (command.folder / "artifacts").mkdir()
    (command.folder / "artifacts" / "a.sarif").write_text("{{{")
    done = command("--artifacts-dir", "artifacts", "--output-dir", "out", SKIP)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_no_artifacts_says_what_to_do_with_exit_3(command) -> None:
    missing = command("--artifacts-dir", "nowhere", "--output-dir", "out", SKIP)
    (command.folder / "empty").mkdir()
    empty = command("--artifacts-dir", "empty", "--output-dir", "out", SKIP)
    for done in (missing, empty):
        assert done.returncode == 3
        assert len(done.stderr.splitlines()) == 2, "one line says what happened, one what to do"


def test_flags_whose_stage_comes_later_are_refused_not_ignored(command, demo) -> None:
    for flags in (["--backend", "ray"], ["--upload-model"], ["--only", "publish-twice"]):
        done = command("--artifacts-dir", demo / "artifacts" / "first", "--output-dir", "out", *flags)
        assert done.returncode == 2, flags


def test_an_unknown_setting_names_the_nearest_key(command, demo) -> None:
    (command.folder / "settings.yaml").write_text("fine_tuning:\n  lerning_rate: 1e-5\n")
    done = command("--artifacts-dir", demo / "artifacts" / "first", "--config", "settings.yaml")
    assert done.returncode == 2
    assert "did you mean 'learning_rate'" in done.stderr


def test_only_repeats_one_stage(command, demo) -> None:
    command(*second(demo), "--output-dir", "out", SKIP)
    done = command(*second(demo), "--output-dir", "out", SKIP, "--only", "assemble", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["executed"] == ["assemble"]


def test_the_earlier_source_can_be_a_commit(command, demo) -> None:
    repository = command.folder / "repository"

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *words], cwd=repository, check=True, capture_output=True, text=True
        ).stdout.strip()

    commits = []
    for snapshot in ("first", "second"):
        if repository.exists():
            for path in repository.iterdir():
                if path.name != ".git":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(demo / "app" / snapshot, repository, dirs_exist_ok=True)
        if not commits:
            git("init", "--quiet")
        git("add", "--all", "--force")
        git("commit", "--quiet", "--message", snapshot)
        commits.append(git("rev-parse", "HEAD"))
    done = command(
        *("--artifacts-dir", demo / "artifacts" / "second", "--source", repository, "--commit", commits[1]),
        *("--earlier-artifacts", demo / "artifacts" / "first", "--earlier-source", commits[0]),
        *("--output-dir", "out", "--config", demo / "settings.yaml", SKIP, "--json"),
    )
    assert done.returncode == 0, done.stderr
    fixes = json.loads(done.stdout.splitlines()[-1])["stages"]["mine"]["fixes"]
    assert fixes["history"] > 50
