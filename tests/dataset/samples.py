"""Findings, excerpts and fixes for tests."""

from pipeline.records import Domain as Field
from pipeline.records import (
    Excerpt,
    FileLocation,
    Finding,
    Fix,
    FixSource,
    Hints,
    Location,
    PackageLocation,
    Rule,
    Scanner,
    Severity,
    Tier,
)

CODE = "import yaml\n\ndef read(stream):\n    return yaml.load(stream)\n\nSIZE = 3\n"


def finding(
    fingerprint: str = "f1",
    path: str = "app/read.py",
    location: Location | None = None,
    message: str = "Use of unsafe yaml load. Allows instantiation of arbitrary objects.",
    cwes: tuple[int, ...] = (20,),
    domain: Field = Field.SAST,
    hints: Hints | None = None,
) -> Finding:
    return Finding(
        fingerprint=fingerprint,
        scanner=Scanner(name="Bandit", version="1.9.4"),
        rule=Rule(id="B506", cwes=cwes),
        severity=Severity.MEDIUM,
        domain=domain,
        location=location or FileLocation(path=path, start_line=4, end_line=4),
        message=message,
        hints=hints or Hints(),
    )


def excerpt(fingerprint: str = "f1", path: str = "app/read.py", text: str = CODE) -> Excerpt:
    return Excerpt(
        fingerprint=fingerprint,
        path=path,
        start_line=1,
        text=text,
        flagged=(4, 4),
        language="python",
        tier=Tier.PARSED,
        symbol="read",
    )


def fix(fingerprint: str = "f1", path: str = "app/read.py", after: str = "    return yaml.safe_load(stream)\n") -> Fix:
    return Fix(
        fingerprint=fingerprint,
        source=FixSource.HISTORY,
        path=path,
        start_line=4,
        end_line=4,
        before="    return yaml.load(stream)\n",
        replacement=after,
    )


def package(fingerprint: str = "p1", name: str = "requests", fixed: tuple[str, ...] = ("2.20.0",)) -> Finding:
    location = PackageLocation(ecosystem="PyPI", name=name, version="2.19.0", path="requirements.txt")
    hints = Hints(fixed_versions=fixed)
    return finding(fingerprint, location=location, domain=Field.SCA, hints=hints, message="Leaks credentials.")
