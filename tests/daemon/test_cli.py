import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.load import build
from daemon.cli import COMMANDS, main
from daemon.conditions.readings import Memory, Readings, Thermal
from daemon.store.records import NewRun, RunState
from daemon.tokens import github_token
from pipeline.stage import Progress
from tests.daemon.conftest import REPOSITORY, Scene, behaviour, zipped
from tests.daemon.stand_in import TOKEN

ROOT = Path(__file__).parent.parent.parent


def test_help_lists_every_command_and_teaches(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(command.name in text for command in COMMANDS)
    assert "where to begin" in text


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_each_command_has_its_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_importing_the_service_loads_nothing_heavy():
    code = (
        "import sys, daemon.service, daemon.commands.status, daemon.snapshot\n"
        "heavy = ('mlx', 'mlx_lm', 'rich', 'numpy', 'torch', 'huggingface_hub', 'keyring', 'watchdog')\n"
        "print([m for m in (*heavy, 'charset_normalizer') if m in sys.modules])\n"
        "print([m for m in sys.modules if m.startswith('pipeline.')])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy, own = result.stdout.splitlines()
    assert heavy == "[]"
    light = {
        *("pipeline.stage", "pipeline.records", "pipeline.disk", "pipeline.pipes"),
        *("pipeline.knowledge", "pipeline.knowledge.folder"),
    }
    assert set(json.loads(own.replace("'", '"'))) <= light


def test_a_closed_pipe_is_quiet(tmp_path):
    command = f"{sys.executable} -m daemon.cli --help | head -1"
    result = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stderr == ""


@pytest.fixture
def one(scene, github, clock, monkeypatch):
    made = scene()
    monkeypatch.setenv("FIXSMITH_CONFIG", str(made.config))
    monkeypatch.setattr(time, "time", clock.now)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    return made


def status(capsys):
    code = main(["status", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_status_before_the_first_start(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, found = status(capsys)
    assert (code, found["state"]) == (0, "never started")
    assert main(["status"]) == 0


def test_status_tells_stage_time_left_queue_results_champion_and_refusals(one, github, clock, capsys):
    github.run(REPOSITORY, fork=666)
    for number in range(3):
        github.run(REPOSITORY, created=clock.now() + number, artifacts={"scan": zipped({"a": str(number)})})
    one.intake().step()
    queue = one.store.queue
    first = queue.due(1e12)
    queue.lease(first, "t", True, clock.now(), clock.now() + 60)
    said = {
        "stages": {"publish": {"models": 2}, "gate": {"figures": {"analysis": "CWE +0.75: better"}}},
        "paths": {"release": "/r"},
    }
    queue.finish(first, "t", RunState.DONE, "", json.dumps(said), clock.now())
    second = queue.due(1e12)
    queue.lease(second, "t", True, clock.now(), clock.now() + 60)
    queue.progress(second.id, Progress(stage="train-analysis", message="step 0", done=0, total=100), clock.now())
    clock.pass_by(50)
    queue.progress(second.id, Progress(stage="train-analysis", message="step 25", done=25, total=100), clock.now())
    readings = Readings(on_mains=False, battery=40, thermal=Thermal.MODERATE, memory=Memory.NORMAL, disk_free=9 << 30)
    one.store.note("waiting", {"for": ["mains power"], "readings": readings}, clock.now())
    code, found = status(capsys)
    assert code == 0
    assert found["work"]["seconds_left"] == 150
    assert found["champion"]["figures"] == {"analysis": "CWE +0.75: better"}
    assert [run["id"] for run in found["queued"]] == [3]
    assert found["refused"][0]["reason"] == "its code comes from a fork"
    assert found["repositories"][0]["next_poll_at"] > clock.now()
    assert found["quota"]["remaining"] > 0
    assert main(["status"]) == 0
    text = capsys.readouterr().out
    conditions = "on battery, battery 40 %, heat moderate, memory pressure normal, 9 GB free"
    for part in ("train-analysis", "CWE +0.75: better", "its code comes from a fork", "acme/shop", "mains power"):
        assert part in text
    assert conditions in " ".join(text.split())


def test_the_keys_of_the_status_are_the_same_before_and_after_the_first_start(one, capsys):
    found = status(capsys)[1]
    one.layout.database.unlink()
    before = status(capsys)[1]
    assert before.keys() == found.keys() and before["counts"].keys() == found["counts"].keys()
    named = """at state pid since workspace work waiting_for readings repositories queued parked ended champion
        refused counts quota problems readings_at coming"""
    assert list(found) == named.split()


def test_a_run_that_failed_says_when_it_is_tried_again(one, clock, capsys):
    one.store.queue.add(NewRun("k", "drop", None, None, None, "/f", 1.0), clock.now())
    run = one.store.queue.due(clock.now())
    one.store.queue.lease(run, "t", True, clock.now(), clock.now() + 60)
    one.store.queue.put_back(run, "t", clock.now() + 600, "It failed.", failed=True)
    assert main(["status"]) == 0
    assert "again in 10 min" in capsys.readouterr().out


def test_status_finds_the_service_although_its_settings_became_wrong(one, capsys):
    settings = json.loads(one.config.read_text())
    settings["fine_tuning"]["batchsize"] = 4
    one.config.write_text(json.dumps({"nonsense": 1, **settings}))
    code, found = status(capsys)
    assert (code, found["workspace"], found["state"]) == (1, str(one.layout.workspace), "not running")
    assert [watched["name"] for watched in found["repositories"]] == [REPOSITORY]
    assert len(found["problems"]) == 1 and "unknown section 'nonsense'." in found["problems"][0]
    one.config.write_text("a: [")
    assert status(capsys)[1]["state"] == "unknown"


def test_a_parked_run_is_shown_and_retried(one, clock, capsys):
    one.store.queue.add(NewRun("k", "drop", None, None, None, "/f", 1.0), 1.0)
    run = one.store.queue.due(2.0)
    one.store.queue.lease(run, "t", True, 1.0, 2.0)
    one.store.queue.finish(run, "t", RunState.PARKED, "it failed four times", None, 3.0)
    code, found = status(capsys)
    assert (code, found["parked"][0]["reason"]) == (1, "it failed four times")
    one.notifier.needs_person("run-1", "Run 1 failed", "it failed four times")
    assert main(["retry", "1"]) == 0
    assert one.store.queue.get(1).state == RunState.QUEUED
    one.notifier.needs_person("run-1", "Run 1 failed", "it failed four times")
    assert len(one.told) == 2, "the same failure after a retry is news"
    assert main(["retry", "1"]) == 2
    assert main(["retry", "9"]) == 2


def test_a_workflow_run_that_cannot_be_fetched_is_told_and_retried(one, github, clock, capsys):
    number = github.run(REPOSITORY, artifacts={"scan": zipped({"a": "b"})})
    github.fail("/blob/", ("corrupt",), times=4, where="storage")
    intake = one.intake()
    for _ in range(4):
        intake.step()
        clock.pass_by(4000)
    assert one.states()[number][0] == "parked"
    [(title, text)] = one.told
    assert title == f"fixsmith: A scan of {REPOSITORY} can't be fetched" and f"fixsmith retry {number}" in text
    assert main(["retry", str(number)]) == 0
    intake.step()
    assert one.states()[number][0] == "queued"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], "There is no command 'stauts'; did you mean 'status'?"),
        (["frobnicate"], "There is no command 'frobnicate'."),
        (["retry", "first"], "'first' isn't a run's number; `fixsmith status` shows them"),
        (["retry", "9" * 30], "isn't a run's number"),
        (["logs", "-1"], "-1"),
        (["retry", "99"], "There is no parked run 99."),
    ],
)
def test_what_cannot_be_meant_is_said_with_what_can(one, capsys, words, said):
    try:
        assert main(words) == 2
    except SystemExit as left:
        assert left.code == 2
    assert said in capsys.readouterr().err


def test_a_refused_workflow_run_says_why_it_is_not_retried(one, capsys):
    number = one.stand_in.run(REPOSITORY, event="pull_request")
    one.intake().step()
    assert main(["retry", str(number)]) == 2
    assert f"Workflow run {number} is refused: its event is pull_request." in capsys.readouterr().err


def test_a_terminal_without_the_characters_gets_them_spelt_out(one):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "daemon.cli", "status"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stderr and REPOSITORY in done.stdout


def test_logs_show_the_end_of_a_log(one, capsys):
    one.layout.service_log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert main(["logs", "-n", "2"]) == 0
    assert capsys.readouterr().out == "line 98\nline 99\n"
    assert main(["logs", "7"]) == 2


def test_doctor_says_what_to_do(one, capsys):
    code = main(["doctor", "--json"])
    found = {entry["what"]: entry for entry in map(json.loads, capsys.readouterr().out.splitlines())}
    assert code == 0
    assert found[REPOSITORY]["level"] == "ok"
    assert found["database"]["detail"] == "sound"
    one.stand_in.tokens.clear()
    assert main(["doctor", "--json"]) == 1
    assert "token" in capsys.readouterr().out
    assert main(["doctor", "--offline"]) == 0


def test_doctor_names_a_condition_that_this_machine_cannot_tell(one, monkeypatch):
    from daemon.doctor import machine
    from daemon.doctor.interface import Circumstances

    settings = build({"conditions": {"user_idle_minutes": 5, "display_off_only": True}}, "here")
    for readings, expected in ((Readings(), 2), (Readings(user_idle=3.0, display_on=False), 0)):
        sensors = type("Sensors", (), {"read": lambda _, said=readings: said})
        monkeypatch.setattr(machine, "sensors_of", lambda _, made=sensors: made())
        found = list(machine.conditions(Circumstances(settings, None, network=False)))
        assert len([one for one in found if "has no effect" in one.detail]) == expected


def test_doctor_asks_every_scanner_for_its_version(one, tmp_path, capsys):
    broken = tmp_path / "gitleaks"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    settings = json.loads(one.config.read_text())
    one.config.write_text(json.dumps({**settings, "verification": {"programs": [f"gitleaks={broken}"]}}))
    main(["doctor", "--json", "--offline"])
    found = {entry["what"]: entry for entry in map(json.loads, capsys.readouterr().out.splitlines())}
    assert "ruff 0." in found["scanners"]["detail"] and "gitleaks" not in found["scanners"]["detail"]
    assert (found["gitleaks"]["level"], found["gitleaks"]["advice"][:24]) == ("warning", "Run `gitleaks --version`")


def test_tokens_come_from_the_file_then_the_environment_then_the_keychain(tmp_path):
    from config.errors import SettingsError
    from config.settings import Github
    from daemon.errors import TokenRefused

    path = tmp_path / "token"
    path.write_text("from-file\n")
    path.chmod(0o600)
    named, environment = Github(token_file=str(path)), {"GITHUB_TOKEN": "from-environment"}
    assert github_token(named, environment).reveal() == "from-file"
    assert github_token(Github(), environment, lambda: "k").reveal() == "from-environment"
    assert github_token(Github(), {"GH_TOKEN": "gh"}, lambda: "k").reveal() == "gh"
    assert github_token(Github(), {}, lambda: "from-keychain").reveal() == "from-keychain"
    with pytest.raises(TokenRefused, match="no GitHub token"):
        github_token(Github(), {}, lambda: None)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="readable by others"):
        github_token(named, environment)


def test_a_keychain_that_hangs_or_is_locked_is_a_sentence(tmp_path, monkeypatch):
    from config import keychain
    from config.settings import Github
    from daemon.errors import TokenRefused

    for script, message in (("sleep 60", "doesn't answer"), ("exit 1", "locked")):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\nexec sh -c '{script}'\n")
        program.chmod(0o755)
        monkeypatch.setattr(keychain.sys, "executable", str(program))
        with pytest.raises(keychain.KeychainClosed, match=message) as raised:
            keychain.from_keychain("github", "github.token_file", seconds=0.3)
        assert "github.token_file" in raised.value.hint

    def closed() -> str:
        raise raised.value

    with pytest.raises(TokenRefused, match="locked"):
        github_token(Github(), {}, closed)


def test_a_secret_shows_itself_nowhere(tmp_path):
    import copy
    import logging
    import pickle

    from config.secret import Secret
    from config.settings import Daemon
    from daemon.logs import set_up

    secret = Secret("ghp_abcdefgh12345678")
    assert "ghp_" not in f"{secret} {secret!r} {secret.digest}"
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)
    handler = set_up(tmp_path / "log", Daemon(), echo=False)
    logging.getLogger("fixsmith.test").warning("Authorization: Bearer ghp_abcdefgh12345678")
    logging.getLogger("fixsmith").removeHandler(handler)
    handler.close()
    assert "abcdefgh" not in (tmp_path / "log").read_text()


def test_logs_are_rotated(tmp_path):
    import logging

    from config.settings import Daemon
    from daemon.logs import cap, set_up

    handler = set_up(tmp_path / "log", Daemon(log_megabytes=0.01, log_files=2), echo=False)
    for number in range(500):
        logging.getLogger("fixsmith.test").info("line %s %s", number, "x" * 80)
    logging.getLogger("fixsmith").removeHandler(handler)
    handler.close()
    assert sorted(path.name for path in tmp_path.glob("log*")) == ["log", "log.1", "log.2"]
    (tmp_path / "run").write_text("a" * 10_000 + "end")
    cap(tmp_path / "run", 1000)
    assert (tmp_path / "run").stat().st_size < 1000 and (tmp_path / "run").read_text().endswith("end")


def test_notifications_are_told_once_and_take_no_code_from_outside(tmp_path, clock, sensors, monkeypatch):
    from daemon import notify

    one = Scene(tmp_path, clock, sensors)
    for _ in range(3):
        one.notifier.needs_person("matter", "Title", "text")
    assert len(one.told) == 1
    one.notifier.needs_person("matter", "Title", "another text")
    one.notifier.settled("matter")
    one.notifier.needs_person("matter", "Title", "text")
    assert len(one.told) == 3
    one.notifier.result("done", "x")
    assert len(one.told) == 3
    monkeypatch.setattr(notify.sys, "platform", "darwin")
    command = notify.notification_command('a" & do shell script "x', "text")
    assert command[1] == "-e" and "do shell script" not in command[2] and command[3].startswith('a"')
    one.store.close()


def test_housekeeping_removes_what_is_old_and_keeps_a_backup(tmp_path, clock, sensors):
    from daemon.housekeeping import Housekeeping

    one = Scene(tmp_path, clock, sensors, daemon={"keep_runs": 1, "keep_days": 1})
    for number in range(3):
        folder = one.layout.downloads / str(number)
        folder.mkdir()
        one.store.queue.add(NewRun(f"k{number}", "drop", None, None, None, str(folder), number), clock.now())
        run = one.store.queue.due(clock.now())
        one.store.queue.lease(run, "t", True, clock.now(), 0)
        one.store.queue.finish(run, "t", RunState.DONE, "", None, clock.now())
    keeping = Housekeeping(one.store, one.layout, clock)
    keeping.step(one.live.current())
    assert len(list(one.layout.downloads.iterdir())) == 3
    clock.pass_by(2 * 86_400)
    assert keeping.step(one.live.current()) > 86_000
    assert [path.name for path in one.layout.downloads.iterdir()] == ["2"]
    assert list(one.layout.backups.glob("*-daily.db"))
    one.store.close()


def test_an_attestation_is_asked_of_githubs_own_tool(scene, github, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@" >> "$GH_LOG"\n[ -n "$GH_TOKEN" ] && ! grep -q bad "$3"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_LOG", str(tmp_path / "gh.log"))
    good = github.run(REPOSITORY, artifacts={"scan": behaviour(good=1)})
    bad = github.run(REPOSITORY)
    github.upload(bad, "scan", b"bad", file_name="report.json")
    one = scene(repositories=[{"name": REPOSITORY, "attestation": True}])
    one.intake().step()
    states = one.states()
    assert states[good][0] == "queued"
    assert states[bad][0] == "refused" and "no valid attestation" in states[bad][1]
    assert f"--repo {REPOSITORY}" in (tmp_path / "gh.log").read_text()
    assert TOKEN not in (tmp_path / "gh.log").read_text()
