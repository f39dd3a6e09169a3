"""What flows between the stages: immutable, typed records in the words of the glossary.

Everything that came from outside has passed redaction before a record is written.
On disk a record is one JSON line (`pipeline.stage.write_records`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, dataclass_transform

import msgspec


class Severity(StrEnum):
    """How bad a finding is, on the one scale every scanner's own scale is mapped to."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Domain(StrEnum):
    """The field of security a finding belongs to."""

    SAST = "sast"
    SCA = "sca"
    IAC = "iac"
    CONTAINER = "container"
    API = "api"
    DAST = "dast"
    SECRETS = "secrets"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of every record: frozen, compared by value, defaults left out on disk.

    Made of texts, numbers and tuples it can't be part of a cycle, so the garbage collector passes it by.
    """


SUPPRESSED = "suppressed"
"""Flag of a finding that the scanner or a person accepted in the report: no gate counts it."""


class Scanner(Record):
    """The tool that wrote a report."""

    name: str
    version: str | None = None


class Rule(Record):
    """What a scanner looked for. `cwes` are CWE numbers in ascending order."""

    id: str
    name: str | None = None
    help: str | None = None
    cwes: tuple[int, ...] = ()
    help_uri: str | None = None


class FileLocation(Record, tag="file"):
    """Lines of a file of the repository: 1-based, inclusive; columns 1-based, end exclusive.

    A file that isn't the repository's is `inside` something: an image, a namespace of a cluster.
    """

    path: str
    start_line: int | None = None
    end_line: int | None = None
    start_column: int | None = None
    end_column: int | None = None
    inside: str | None = None


class PackageLocation(Record, tag="package"):
    """A dependency. `path` is the manifest or lock file that names it, when the report says so."""

    ecosystem: str
    name: str
    version: str | None = None
    purl: str | None = None
    path: str | None = None
    line: int | None = None


class ImageLocation(Record, tag="image"):
    """A package inside a container image."""

    image: str
    package: str | None = None
    version: str | None = None
    path: str | None = None


class UrlLocation(Record, tag="url"):
    """A place in a running application."""

    url: str
    method: str | None = None
    parameter: str | None = None


Location = FileLocation | PackageLocation | ImageLocation | UrlLocation


class TextEdit(Record):
    """Replace the text from (start_line, start_column) up to (end_line, end_column) of `path`.

    Lines and columns are 1-based, the end column is exclusive. Without columns the edit
    replaces whole lines, start to end inclusive.
    """

    path: str
    start_line: int
    end_line: int
    text: str
    start_column: int | None = None
    end_column: int | None = None


class Hints(Record):
    """What the report itself says about how to fix: never trusted, always verified.

    `edits` holds alternatives; each is a group of edits that belong together.
    """

    fixed_versions: tuple[str, ...] = ()
    fix_text: str | None = None
    edits: tuple[tuple[TextEdit, ...], ...] = ()


class Origin(Record):
    """Where a finding was read: artifact digest (SHA-256), report path in it, JSON pointer, and whose report it is."""

    artifact: str
    report: str
    pointer: str
    scanner: str | None = None


class FlowStep(Record):
    """One step of the path data takes to the weakness (SARIF `codeFlows`)."""

    path: str
    line: int
    message: str = ""


class Finding(Record):
    """One weakness, normalised. `fingerprint` is its identity across scans and scanners."""

    fingerprint: str
    scanner: Scanner
    rule: Rule
    severity: Severity
    domain: Domain
    location: Location
    message: str
    cvss: float | None = None
    snippet: str | None = None
    aliases: tuple[str, ...] = ()
    hints: Hints = Hints()
    flow: tuple[FlowStep, ...] = ()
    origins: tuple[Origin, ...] = ()
    flags: tuple[str, ...] = ()
    commit: str | None = None


class Rejection(Record):
    """Something that could not be read, and why, in one line. Failure is never an empty result."""

    artifact: str
    report: str
    reason: str
    pointer: str = ""


class Tier(StrEnum):
    """How an excerpt was cut: by a full parse, a parse with errors, or a window of lines."""

    PARSED = "parsed"
    PARTIAL = "partial"
    WINDOW = "window"


class Excerpt(Record):
    """The code around a finding: `text` is lines `start_line`…, the flagged lines always among them.

    `flagged` is (first, last) line, 1-based in the file. `symbol` names the enclosing
    function, class, resource or job, when the parse gave one. `header` holds lines from above
    `text`: imports of names shown, signatures of the blocks around. `confidence` is below 1
    where the place was inferred (the handler of a URL). `flags`: `generated`, `vendored`,
    `shortened` (a line was cut), `whole_file` (the finding names no line), `snippet` (from the
    report, not from the source).
    """

    fingerprint: str
    path: str
    start_line: int
    text: str
    flagged: tuple[int, int]
    language: str
    tier: Tier
    symbol: str | None = None
    header: str = ""
    confidence: float = 1.0
    flags: tuple[str, ...] = ()


class Passage(Record):
    """A piece of the knowledge base, with where it came from and its licence.

    `found` is True when it was found by likeness instead of looked up by name: it may be about
    something else, and nothing may be stated because of it.
    """

    id: str
    title: str
    text: str
    source: str
    licence: str
    cwe: int | None = None
    found: bool = False


class Retrieved(Record):
    """The passages of one finding, best first; those looked up exactly stand before those found."""

    fingerprint: str
    passages: tuple[Passage, ...]


class FixSource(StrEnum):
    """Where a fix comes from, in order of trust."""

    HISTORY = "history"
    ADVISORY = "advisory"
    TOOL = "tool"
    CURATED = "curated"
    MODEL = "model"


class Fix(Record):
    """A proposed or real change to one file: lines `start_line`–`end_line` become `replacement`.

    `before` is what stands there now, so that a stale fix is noticed. Lines are 1-based
    and inclusive; both texts end in a newline unless the file's last line does not.
    `companions` are changes elsewhere in the file that it needs, such as an import. `commit` and
    `made` are the commit a person's change is known to come from, and when it was made (ISO 8601).
    """

    fingerprint: str
    source: FixSource
    path: str
    start_line: int
    end_line: int
    before: str
    replacement: str
    note: str = ""
    companions: tuple[TextEdit, ...] = ()
    commit: str = ""
    made: str = ""


class Outcome(StrEnum):
    """What verification concluded."""

    VERIFIED = "verified"
    REFUTED = "refuted"
    UNVERIFIABLE = "unverifiable"


class Verdict(Record):
    """What verification says of a fix: the outcome, by which evidence, or the failing check."""

    fingerprint: str
    fix: str
    outcome: Outcome
    evidence: str
    check: str | None = None


class Message(Record):
    """One turn of a training conversation."""

    role: str
    content: str


class Example(Record):
    """One training conversation and what is known about it (all values JSON-ready)."""

    messages: tuple[Message, ...]
    metadata: dict[str, Any]
