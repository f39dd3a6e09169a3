"""What the service costs while nothing happens: `python -m benchmarks.idle [--seconds N]`.

A GitHub on loopback (over TLS where `openssl` is there) that has nothing new, polled every
`--poll` seconds; memory, processor time, wake-ups and requests are read from /proc and from the
stand-in, and given for an hour of the default poll interval. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import certifi

from config.settings import Github
from tests.daemon.stand_in import TOKEN, StandIn

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "acme/shop"
HOUR = 3600.0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--poll", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, StandIn() as github:
        github.repository(REPOSITORY)
        github.run(REPOSITORY, conclusion="cancelled")
        scheme, environment = encrypt(github, Path(folder))
        config = write(Path(folder), scheme, github, arguments.poll)
        begun = time.monotonic()
        service = subprocess.Popen(
            [sys.executable, "-m", "daemon.cli", "run", "--quiet", "--config", str(config)], cwd=ROOT, env=environment
        )
        try:
            print(json.dumps(measure(service, github, config, environment, begun, arguments), indent=2))
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=30)


def encrypt(github, folder):
    """Put TLS in front of the stand-in; return the scheme and the service's environment."""
    environment = {**os.environ, "GITHUB_TOKEN": TOKEN}
    if shutil.which("openssl") is None:
        return "http", environment
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    github.api.socket = context.wrap_socket(github.api.socket, server_side=True)
    bundle = folder / "bundle.pem"  # as many authorities as at GitHub's, and ours
    bundle.write_bytes(Path(certifi.where()).read_bytes() + (folder / "cert.pem").read_bytes())
    return "https", {**environment, "REQUESTS_CA_BUNDLE": str(bundle)}


def write(folder, scheme, github, poll):
    config = folder / "settings.yaml"
    values = {
        "fine_tuning": {"workspace_dir": str(folder / "workspace")},
        "github": {
            "base_url": f"{scheme}://127.0.0.1:{github.api.server_port}",
            "repositories": [{"name": REPOSITORY}],
            "poll_seconds": poll,
        },
    }
    config.write_text(json.dumps(values))
    return config


def measure(service, github, config, environment, begun, arguments):
    while not github.requests:
        time.sleep(0.005)
    first, first_processor = time.monotonic() - begun, usage(service.pid)["cpu"]
    time.sleep(3 * arguments.poll)
    before, requests, at = usage(service.pid), len(github.requests), time.monotonic()
    time.sleep(arguments.seconds)
    after, asked, passed = usage(service.pid), len(github.requests) - requests, time.monotonic() - at
    polls_an_hour = HOUR / Github().poll_seconds
    seconds = after["cpu"] - before["cpu"]
    return {
        "scheme": config.read_text().split("://")[0].rsplit('"', 1)[1],
        "resident_mebibytes": after["resident"],
        "proportional_mebibytes": after["proportional"],
        "private_mebibytes": after["private"],
        "threads": after["threads"],
        "polls": asked,
        "statuses": sorted({str(status) for status, *_ in github.requests[requests:]}),
        "cpu_seconds_a_poll": round(seconds / asked, 4),
        "cpu_seconds_an_hour_at_default_interval": round(seconds / asked * polls_an_hour, 3),
        "requests_an_hour_at_default_interval": polls_an_hour,
        "wake_ups_a_poll": round((after["switches"] - before["switches"]) / asked, 1),
        "bytes_written_a_poll": round((after["written"] - before["written"]) / asked),
        "measured_seconds": round(passed, 1),
        "seconds_to_first_request": round(first, 3),
        "processor_seconds_to_first_request": round(first_processor, 3),
        "status_seconds": spent(["-m", "daemon.cli", "status", "--config", str(config)], environment),
        "python_alone_seconds": spent(["-c", "pass"], environment),
        "load_average": os.getloadavg()[0],
    }


def usage(pid):
    """Return processor seconds, memory (MiB), voluntary switches of all threads, and bytes sent to disk."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    rollup = fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
    switches = sum(
        fields((task / "status").read_text())["voluntary_ctxt_switches"] for task in Path(f"/proc/{pid}/task").iterdir()
    )
    return {
        "cpu": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
        "resident": round(rollup["Rss"] / 1024, 1),
        "proportional": round(rollup["Pss"] / 1024, 1),
        "private": round((rollup["Private_Clean"] + rollup["Private_Dirty"]) / 1024, 1),
        "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
        "switches": switches,
        "written": fields(Path(f"/proc/{pid}/io").read_text())["write_bytes"],
    }


def fields(text):
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.split() and value.split()[0].isdigit():
            found[name] = int(value.split()[0])
    return found


def spent(words, environment, times=15):
    """Return wall and processor seconds of a Python process, the medians of so many."""
    walls, processors = [], []
    for _ in range(times):
        begun, before = time.monotonic(), os.times()
        subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, check=False)
        after = os.times()
        walls.append(time.monotonic() - begun)
        processors.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return {"wall": round(statistics.median(walls), 3), "processor": round(statistics.median(processors), 3)}


if __name__ == "__main__":
    main()
