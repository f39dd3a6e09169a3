"""A `launchctl` of our own: keeps what is loaded in a folder, is busy for a while, and notes every call."""

import json
import os
import sys
from pathlib import Path

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
        save("loaded", {**loaded, f"{words[1]}/{label}": {"pid": 4242}})
        return 0, ""
    if target not in loaded:
        return (3 if verb == "bootout" else 113), "Could not find service"
    if verb == "bootout":
        if busy:
            save("busy", busy - 1)
            return 36, "Boot-out failed: 36: Operation now in progress"
        del loaded[target]
        save("loaded", loaded)
    if verb == "print":
        return 0, f"{target} = {{\n\tstate = running\n\tpid = 4242\n\tlast exit code = 1\n}}\n"
    return 0, ""


code, text = main(sys.argv[1:])
print(text)
sys.exit(code)
