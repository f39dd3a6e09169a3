"""Stands in for the flow: takes a while, checkpoints, and writes each result once, as the real one does.

It has the flow's two phases: `data_steps` without training, `steps` of training.
What it does is told by a file `behaviour.json` in the artifacts folder:
{"steps": N, "data_steps": N, "seconds": S, "exit": CODE, "error": TEXT, "ignore_term": BOOL, "grow": MIB,
 "grandchild": BOOL, "no_leash": BOOL}
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from daemon import leash

stopping = False


def stop(*_):
    global stopping
    stopping = True


def say(**line):
    print(json.dumps(line), flush=True)


def identity(folder):
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def told(artifacts):
    for path in sorted(artifacts.rglob("*")):
        if path.name == "behaviour.json":
            return path.read_text()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return archive.read("behaviour.json").decode()


def main():
    parser = argparse.ArgumentParser()
    for name in ("artifacts-dir", "output-dir", "repo", "branch", "commit", "source", "earlier-artifacts", "config",
                 "earlier-source"):  # fmt: skip
        parser.add_argument(f"--{name}")
    parser.add_argument("--skip-fine-tuning", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    artifacts, output = Path(arguments.artifacts_dir), Path(arguments.output_dir)
    how = json.loads(told(artifacts) or "{}")
    if not how.get("ignore_term"):
        signal.signal(signal.SIGTERM, stop)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not how.get("no_leash"):
        leash.watch(0, lambda: os.kill(os.getpid(), signal.SIGTERM))
    run = identity(artifacts)
    folder = output / "runs" / run
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps({"arguments": sys.argv[1:], "pid": os.getpid()}) + "\n")
    if how.get("grandchild"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    ballast = bytearray(how.get("grow", 0) * 1024 * 1024)
    for index in range(0, len(ballast), 4096):
        ballast[index] = 1
    data = arguments.skip_fine_tuning
    state = folder / ("data" if data else "checkpoint")
    done = int(state.read_text()) if state.exists() else 0
    steps = how.get("data_steps", 1) if data else how.get("steps", 3)
    while done < steps:
        if stopping:
            say(event="error", message="Stopped on request.", hint="It goes on.", exit_code=75)
            return 75
        say(
            event="progress",
            stage="parse" if data else "train-analysis",
            message=f"step {done + 1}",
            done=done,
            total=steps,
        )
        time.sleep(how.get("seconds", 0.02))
        done += 1
        (folder / "state.tmp").write_text(str(done))
        (folder / "state.tmp").replace(state)
    if data and "exit" not in how:
        say(event="summary", run=run, up_to_date=False, stages={"parse": {"findings": 3}}, paths={})
        return 0
    if how.get("exit"):
        say(event="error", message=how.get("error", "It failed."), hint="", exit_code=how["exit"])
        return how["exit"]
    result = folder / "result.json"
    fresh = not result.exists()
    if fresh:
        (folder / "result.tmp").write_text(json.dumps({"run": run}))
        (folder / "result.tmp").replace(result)
    say(event="summary", run=run, up_to_date=not fresh, stages={"parse": {"findings": 3}}, paths={})
    return 0


if __name__ == "__main__":
    sys.exit(leash.quietly(main))
