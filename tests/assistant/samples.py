"""A finding in a few lines of code, good and bad answers, and how a stage is ended."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pipeline.assistant.specialist import Specialist
from pipeline.records import (
    Domain,
    Excerpt,
    FileLocation,
    Finding,
    Rule,
    Scanner,
    Severity,
    Tier,
)
from pipeline.stage import MANIFEST, Manifest

CODE = "import hashlib\n\n\ndef name(content):\n    return hashlib.md5(content).hexdigest()\n"
GOOD, BAD = "    return hashlib.sha256(content).hexdigest()", "    return hashlib.sha1(content).hexdigest()"
FINDING = Finding(
    fingerprint="a" * 64, scanner=Scanner(name="ruff"), rule=Rule(id="S324", cwes=(327,)), severity=Severity.HIGH,
    domain=Domain.SAST, message="insecure hash", location=FileLocation(path="app.py", start_line=5, end_line=5),
)  # fmt: skip
EXCERPT = Excerpt(
    fingerprint="a" * 64, path="app.py", start_line=4, text="".join(CODE.splitlines(keepends=True)[3:]),
    flagged=(5, 5), language="python", tier=Tier.PARSED, symbol="name",
)  # fmt: skip
NOBODY = Specialist(base="embedded", adapter="none", run="r")


def finish(stage: Path, counts: dict) -> None:
    manifest = Manifest(stage=stage.name, key="k", code="c", settings={}, inputs={}, outputs={}, counts=counts)
    stage.mkdir(parents=True, exist_ok=True)
    (stage / MANIFEST).write_bytes(msgspec.json.encode(manifest))
