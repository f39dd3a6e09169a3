"""Small trees in memory, findings in them, and the scanners that are installed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.load import load_settings
from config.settings import Verification
from pipeline.fixes.interface import Snapshot
from pipeline.records import Domain, FileLocation, Finding, Fix, FixSource, Rule, Scanner, Severity
from pipeline.source.interface import Absence, Reading
from pipeline.verification.interface import ScannerMissing
from pipeline.verification.runners.registry import RUNNERS, find_setup


class MemoryTree:
    """Files in memory as a source tree."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files_by_path = {path: text.encode() for path, text in files.items()}

    def read(self, path: str) -> bytes | None:
        return self.files_by_path.get(path)

    def examine(self, path: str) -> Reading:
        content = self.files_by_path.get(path)
        return Reading(content=content) if content is not None else Reading(absence=Absence.NO_FILE)

    def files(self) -> Iterator[str]:
        yield from sorted(self.files_by_path)

    def digest(self) -> str:
        return ""

    def close(self) -> None:
        pass

    def __enter__(self) -> MemoryTree:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def snapshot(files: Mapping[str, str]) -> Snapshot:
    return Snapshot(MemoryTree(files))


def finding(
    path: str,
    first: int,
    last: int | None = None,
    *,
    scanner: str = "bandit",
    rule: str = "B324",
    severity: Severity = Severity.HIGH,
    domain: Domain = Domain.SAST,
) -> Finding:
    return Finding(
        fingerprint=f"{scanner}:{rule}:{path}:{first}",
        scanner=Scanner(name=scanner),
        rule=Rule(id=rule),
        severity=severity,
        domain=domain,
        location=FileLocation(path=path, start_line=first, end_line=last or first),
        message="a weakness",
    )


def fix(about: Finding, text: str, first: int, last: int, replacement: str, path: str | None = None) -> Fix:
    """A fix of lines `first` to `last` of `text`."""
    lines = text.splitlines(keepends=True)
    return Fix(
        fingerprint=about.fingerprint,
        source=FixSource.MODEL,
        path=path or about.location.path,
        start_line=first,
        end_line=last,
        before="".join(lines[first - 1 : last]),
        replacement=replacement,
    )


def settings(**changes: object) -> Verification:
    """The settings of this machine: `FIXSMITH_VERIFICATION_PROGRAMS` names scanners that aren't on PATH."""
    base = load_settings().verification
    return Verification(**({name: getattr(base, name) for name in base.__struct_fields__} | changes))


def installed(chosen: Verification) -> set[str]:
    """Names of the scanners that can be run here."""
    names = set()
    for runner in RUNNERS:
        try:
            find_setup(runner, chosen)
        except ScannerMissing:
            continue
        names.add(runner.name)
    return names
