"""A `systemctl --user` of our own. With the state `real` it starts and ends the process, too."""

import json
import os
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import real_process

state = Path(os.environ["FAKE_LAUNCHD"])
calls = state / "calls"
active = state / "active"
real = (state / "real").exists()


def begin():
    unit = (Path.home() / ".config/systemd/user/fixsmith.service").read_text()
    lines = [line.partition("=") for line in unit.splitlines()]
    values = {name: value for name, _, value in lines if name in ("ExecStart", "WorkingDirectory")}
    environment = dict(shlex.split(value)[0].split("=", 1) for name, _, value in lines if name == "Environment")
    command = shlex.split(values["ExecStart"])
    return str(real_process.start(command, state / "journal", values["WorkingDirectory"], environment))


def lives():
    return active.exists() and (not real or real_process.lives(int(active.read_text())))


def main(words):
    calls.write_text(json.dumps([*(json.loads(calls.read_text()) if calls.exists() else []), words]))
    if words[0] == "restart" or words[0] == "stop" or words[:2] == ["disable", "--now"]:
        if real and active.exists():
            real_process.end(int(active.read_text()))
        active.unlink(missing_ok=True)
    if words[0] in ("start", "restart") and not lives():
        active.write_text(begin() if real else "77")
    if words[0] == "show":
        print(f"ActiveState={'active' if lives() else 'inactive'}")
        print(f"MainPID={active.read_text() if lives() else 0}\nExecMainStatus={0 if lives() or not real else 2}")
    if (state / "broken").exists():
        print("Failed to connect to bus", file=sys.stderr)
        sys.exit(1)


main(sys.argv[2:])
