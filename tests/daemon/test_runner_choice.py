"""Which run is next, and with what the flow is called for it."""

import json

import msgspec

from daemon.store.records import RunState
from tests.daemon.bench import Bench


def test_only_the_newest_waiting_run_of_a_repository_trains(bench):
    one = bench()
    one.add("a", 1.0)
    one.add("b", 2.0)
    one.runner.step(0.0)
    assert (one.queue.get(1).state, one.queue.get(1).reason) == (RunState.DONE, "data sets only: a newer run trains")
    one.runner.step(0.0)
    [child] = one.launcher.children
    assert "--skip-fine-tuning" not in child.command
    assert one.queue.get(2).state == RunState.RUNNING


def test_a_newer_run_without_data_sets_supersedes_nothing(bench, clock):
    one = bench()
    one.add("a", 1.0)
    one.add("b", 2.0, commit="def", prepared=False)
    one.runner.step(0.0)
    one.launcher.children[-1].code = 1
    one.runner.step(0.0)
    one.runner.step(0.0)
    assert one.queue.get(1).state == RunState.RUNNING and "abc" in one.launcher.children[-1].command


def test_what_waits_for_training_is_the_scan_before_a_newer_one(bench, tmp_path, sensors):
    sensors.readings = msgspec.structs.replace(sensors.readings, on_mains=False)
    one = bench()
    one.add("a", 1.0, folder=tmp_path)
    one.add("b", 2.0, commit="def", prepared=False)
    one.runner.step(0.0)
    command = one.launcher.children[0].command
    assert command[command.index("--earlier-artifacts") + 1] == str(tmp_path)


def test_every_waiting_run_trains_where_the_settings_say_so(bench):
    one = bench(daemon={"newest_only": False})
    one.add("a", 1.0)
    one.add("b", 2.0)
    one.runner.step(0.0)
    assert "--skip-fine-tuning" not in one.launcher.children[0].command


def test_the_emergency_override_trains_nothing(bench):
    one = bench(fine_tuning={"skip_in_daemon": True})
    one.add(prepared=False)
    one.runner.step(0.0)
    assert "--skip-fine-tuning" in one.launcher.children[0].command
    one.end(0, {"event": "summary", "run": "abc", "stages": {}})
    one.runner.step(0.0)
    run = one.queue.get(1)
    assert (run.state, json.loads(run.result)["run"], len(one.launcher.children)) == (RunState.DONE, "abc", 1)


def test_the_scan_before_is_given_to_the_flow(bench, tmp_path):
    one = bench()
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        one.add(f"k{number}", number, folder=folder, commit=f"{number}", prepared=False)
    one.runner.step(0.0)
    assert "--earlier-artifacts" not in one.launcher.children[0].command
    one.end(0)
    one.runner.step(0.0)
    command = one.launcher.children[1].command
    assert command[command.index("--earlier-artifacts") + 1] == str(folders[0])
    assert command[command.index("--artifacts-dir") + 1] == str(folders[1])


def test_a_clone_that_holds_the_commit_is_the_source(scene, tmp_path):
    import subprocess

    clone = tmp_path / "clone"
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(clone)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    one = Bench(scene(repositories=[{"name": "acme/shop", "source": str(clone)}]))
    one.add(commit=head, prepared=False)
    one.add("other", 2.0, commit="0" * 40, prepared=False)
    one.runner.step(0.0)
    command = one.launcher.children[0].command
    assert command[command.index("--source") + 1] == str(clone)
    one.end(0)
    one.runner.step(0.0)
    assert "--source" not in one.launcher.children[1].command


def test_the_earlier_commit_is_named_to_the_flow(scene, tmp_path):
    import subprocess

    clone = tmp_path / "clone"
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(clone)], check=True)
    heads = []
    for text in ("before", "after"):
        (clone / "app.py").write_text(text)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", text], check=True)
        heads.append(
            subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        )
    one = Bench(scene(repositories=[{"name": "acme/shop", "source": str(clone)}]))
    for number, head in enumerate(heads):
        (tmp_path / str(number)).mkdir()
        one.add(f"k{number}", number, folder=tmp_path / str(number), commit=head, prepared=False)
    one.runner.step(0.0)
    one.end(0)
    one.runner.step(0.0)
    command = one.launcher.children[1].command
    assert command[command.index("--earlier-source") + 1] == heads[0]


def test_a_second_scan_of_a_commit_is_compared_with_that_of_the_commit_before(bench, tmp_path):
    """Else a nightly scan of unchanged code would lose the fixes that came with its commit."""
    one = bench()
    for number, commit in enumerate(("before", "now", "now")):
        (tmp_path / str(number)).mkdir()
        one.add(f"k{number}", number, folder=tmp_path / str(number), commit=commit, prepared=number < 2)
    one.runner.step(0.0)
    command = one.launcher.children[0].command
    assert command[command.index("--artifacts-dir") + 1] == str(tmp_path / "2")
    assert command[command.index("--earlier-artifacts") + 1] == str(tmp_path / "0")
