"""The corpus: samples, what is expected of them, and how a golden line is written.

`python tests/scanners/corpus.py` writes every `expected.json` anew; read the difference before
you commit it: each line was checked by hand against its sample.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from pipeline.records import FileLocation, ImageLocation, PackageLocation  # noqa: E402
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused  # noqa: E402
from pipeline.scanners.registry import recognise  # noqa: E402

EXPECTED = "expected.json"


def samples() -> list[Path]:
    """Every sample, of every scanner."""
    found = [path for folder in HERE.iterdir() if folder.is_dir() for path in folder.iterdir()]
    return sorted(
        path for path in found if path.name != EXPECTED and path.suffix in (".json", ".sarif", ".xml", ".csv")
    )


def report_of(path: Path) -> Report:
    """Open a sample as the artifacts' room would hand it over."""
    data = path.read_bytes()
    head = data[: 1 << 16].decode("utf-8", errors="replace")
    return Report(path=path, name=path.name, head=head, size=len(data))


def read(folder: Path, value: Any) -> list[RawFinding | Fault]:
    """Return what is said of a report: of this text or value, written into `folder`."""
    path = folder / "report"
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return list(recognise(report_of(path)).read(report_of(path)))


def value_of(path: Path) -> tuple[Any, bool]:
    """Return a JSON sample's value, and whether it is JSON lines: then the value is the list of them."""
    text = path.read_text("utf-8-sig")
    try:
        return json.loads(text), False
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
        return [json.loads(line) for line in text.splitlines()], True


def as_file(value: Any, lines: bool) -> bytes:
    """Return a value as it stands in a file; what is no list any more is one document."""
    if lines and isinstance(value, list):
        return "".join(f"{json.dumps(line)}\n" for line in value).encode()
    return json.dumps(value).encode()


def place(location: Any) -> str:
    if isinstance(location, FileLocation):
        lines = "" if location.start_line is None else f":{location.start_line}-{location.end_line}"
        columns = "" if location.start_column is None else f" col {location.start_column}-{location.end_column or ''}"
        return f"{location.path}{lines}{columns}"
    if isinstance(location, PackageLocation):
        return f"{location.ecosystem} {location.name} {location.version} in {location.path}"
    if isinstance(location, ImageLocation):
        return f"image {location.image} {location.package} {location.version} in {location.path}"
    return f"{location.method} {location.url} {location.parameter}"


def finding_line(found: RawFinding) -> str:
    cwes = ",".join(str(cwe) for cwe in found.rule.cwes) or "-"
    line = f"{found.rule.id} | {found.severity} | {found.domain} | {cwes} | {place(found.location)}"
    extras = {
        "cvss": found.cvss,
        "aliases": found.aliases,
        "fixed": found.hints.fixed_versions,
        "flags": found.flags,
        "secrets": len(found.secrets),
        "edits": [[place_of_edit(edit) for edit in group] for group in found.hints.edits],
        "flow": [f"{step.path}:{step.line}" for step in found.flow],
    }
    return line + "".join(f" | {name} {value}" for name, value in extras.items() if value)


def place_of_edit(edit: Any) -> str:
    columns = "" if edit.start_column is None else f" col {edit.start_column}-{edit.end_column}"
    return f"{edit.start_line}-{edit.end_line}{columns} {edit.text!r}"


def describe(path: Path) -> dict[str, Any]:
    """What is read from a sample, as it stands in `expected.json`."""
    try:
        reader = recognise(report_of(path))
        said = list(reader.read(report_of(path)))
    except ReportRefused as error:
        return {"refused": str(error)}
    found = [one for one in said if isinstance(one, RawFinding)]
    scanners = sorted({f"{one.scanner.name} {one.scanner.version or ''}".strip() for one in found})
    return {
        "reader": reader.name,
        "scanners": scanners,
        "count": len(found),
        "findings": [finding_line(one) for one in found],
        "faults": [f"{one.pointer}: {one.reason}" for one in said if isinstance(one, Fault)],
    }


def main() -> None:
    folders: dict[Path, dict[str, Any]] = {}
    for path in samples():
        folders.setdefault(path.parent, {})[path.name] = describe(path)
    for folder, expected in folders.items():
        (folder / EXPECTED).write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
