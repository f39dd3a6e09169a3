"""A `launchctl` of our own: keeps what is loaded in a folder, is busy for a while, and notes every call.

With the state `real` it starts and ends the processes, too.
"""

import json
import os
import plistlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import real_process

state = Path(os.environ["FAKE_LAUNCHD"])


def load(name, otherwise):
    return json.loads((state / name).read_text()) if (state / name).exists() else otherwise


def save(name, value):
    (state / name).write_text(json.dumps(value))


def main(words):
    save("calls", [*load("calls", []), words])
    loaded, busy = load("loaded", {}), load("busy", 0)
    verb = words[0]
    target = words[1] if verb != "kickstart" else words[-1]
    if verb == "bootstrap":
        if busy:
            save("busy", busy - 1)
            return 36, "Bootstrap failed: 36: Operation now in progress"
        label = Path(words[2]).stem
        if f"{words[1]}/{label}" in loaded:
            return 5, "Bootstrap failed: 5: Input/output error"
        if load("refuse", False):
            return 5, "Bootstrap failed: 5: Input/output error"
        save("loaded", {**loaded, f"{words[1]}/{label}": begun(words[2])})
        return 0, ""
    if target not in loaded:
        return (3 if verb == "bootout" else 113), "Could not find service"
    if verb == "bootout":
        if busy:
            save("busy", busy - 1)
            return 36, "Boot-out failed: 36: Operation now in progress"
        if load("real", False):
            real_process.end(loaded[target]["pid"])
        del loaded[target]
        save("loaded", loaded)
    if verb == "print":
        pid = loaded[target]["pid"]
        running = not load("real", False) or real_process.lives(pid)
        state = f"state = running\n\tpid = {pid}" if running else "state = not running"
        return 0, f"{target} = {{\n\t{state}\n\tlast exit code = {'(never exited)' if load('real', False) else 1}\n}}\n"
    if verb == "kickstart" and load("real", False) and not real_process.lives(loaded[target]["pid"]):
        save("loaded", {**loaded, target: begun(loaded[target]["path"])})
    return 0, ""


def begun(path):
    if not load("real", False):
        return {"pid": 4242, "path": path}
    agent = plistlib.loads(Path(path).read_bytes())
    told = agent["StandardErrorPath"], agent["WorkingDirectory"], agent["EnvironmentVariables"]
    return {"pid": real_process.start(agent["ProgramArguments"], *told), "path": path}


code, text = main(sys.argv[1:])
print(text)
sys.exit(code)
