"""GLITCH: detections and oracles as CSV, for Ansible, Chef and Puppet.

Four layouts are known: with a header `PATH,LINE,ERROR[,DESCRIPTION,CODE]` (current versions and
the published detections), `PATH,LINE,CATEGORY,AGREEMENT` (oracles: labels by people), without a
header `path,line,code,detail,code line`, and the same behind the rule's text (`--linter`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from pipeline.records import Domain, Rule, Scanner, Severity
from pipeline.scanners.cwe import cwe_numbers
from pipeline.scanners.document import ItemRefused, Said
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import LINE, Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import file_location, place_of

_RULES: dict[str, tuple[str, Severity, tuple[int, ...]]] = {
    "sec_hard_secr": ("Hard-coded secret", Severity.HIGH, (798,)),
    "sec_hard_pass": ("Hard-coded password", Severity.HIGH, (259,)),
    "sec_hard_user": ("Hard-coded user", Severity.MEDIUM, (798,)),
    "sec_empty_pass": ("Empty password", Severity.HIGH, (258,)),
    "sec_def_admin": ("Admin by default", Severity.MEDIUM, (250,)),
    "sec_invalid_bind": ("Invalid IP address binding", Severity.MEDIUM, (284,)),
    "sec_https": ("Use of HTTP without TLS", Severity.MEDIUM, (319,)),
    "sec_weak_crypt": ("Weak cryptography", Severity.MEDIUM, (326, 327)),
    "sec_no_int_check": ("No integrity check", Severity.MEDIUM, (353,)),
    "sec_full_permission_filesystem": ("Full permission to the file system", Severity.MEDIUM, (732,)),
    "sec_obsolete_command": ("Obsolete command", Severity.LOW, (477,)),
    "sec_no_default_switch": ("Missing default case", Severity.LOW, (478,)),
    "sec_susp_comm": ("Suspicious comment", Severity.LOW, (546,)),
}
"""GLITCH has no severities; these are ours, in `docs/scanners.md`."""
_SPELLINGS = {
    "hard-coded secret": "sec_hard_secr",
    "hardcoded-secret": "sec_hard_secr",
    "hardcoded-password": "sec_hard_pass",
    "hardcoded-username": "sec_hard_user",
    "empty password": "sec_empty_pass",
    "empty-password": "sec_empty_pass",
    "admin by default": "sec_def_admin",
    "admin-by-default": "sec_def_admin",
    "improper ip address binding": "sec_invalid_bind",
    "unrestricted ip address": "sec_invalid_bind",
    "use of http": "sec_https",
    "use of http without ssl/tls": "sec_https",
    "weak cryptography algorithms": "sec_weak_crypt",
    "use of weak cryptography algorithms": "sec_weak_crypt",
    "no-integrity-check": "sec_no_int_check",
    "no integrity check": "sec_no_int_check",
    "missing default case statement": "sec_no_default_switch",
    "missing default in case statement": "sec_no_default_switch",
    "suspicious comment": "sec_susp_comm",
}
_HEADER = re.compile(r"^\ufeff?PATH,LINE,(ERROR|CATEGORY)\b", re.IGNORECASE)
_BARE = re.compile(r"^[^,\n]+,-?\d+,(?:sec|design|implementation)_\w+,")
_LINTER = re.compile(r"^[^\n]{1,400}?,([^,\n]+),(-?\d+),((?:sec|design|implementation)_\w+),([^,\n]*),(.*)$")
_VALUE = re.compile(r"""["']([^"']{6,200})["']\s*+(?:,\s*+)?$""")
_SECRET_RULES = ("sec_hard_secr", "sec_hard_pass")
NOTHING = "none"
LONGEST_FIELD = 1 << 20


def _is_native(seen: Outline, head: str) -> bool:
    """A CSV whose header or first line is GLITCH's."""
    first = head.lstrip().partition("\n")[0].strip()
    if seen.kind != "text" or not first:
        return False
    return bool(_HEADER.match(first) or _BARE.match(first) or _LINTER.match(first))


def _read(report: Report) -> Iterator[Said]:
    """Read line by line; a line that can't be read is a fault, the others go on."""
    clean = 0
    with report.path.open(encoding="utf-8-sig", errors="replace", newline=None) as file:
        first = next((line for line in file if line.strip()), "")
        header = _HEADER.match(first)
        oracle = header is not None and header[1].upper() == "CATEGORY"
        if header is None:
            yield from _line(first, 1, with_header=False, oracle=False)
        for number, line in enumerate(file, start=2):
            if not line.strip():
                continue
            if oracle and _is_clean(line):
                clean += 1
                continue
            yield from _line(line, number, with_header=header is not None, oracle=oracle)
    if clean:
        yield Fault(pointer="", reason=f"{clean} lines of the oracle say that a file has no weakness: left out")


def _is_clean(line: str) -> bool:
    row = _row(line, None)
    return len(row) > 2 and row[2].strip().lower() == NOTHING


def _row(line: str, limit: int | None) -> list[str]:
    try:
        row = next(csv.reader([line]), [])
    except (csv.Error, StopIteration):
        row = line.rstrip("\n").split(",")
    return row if limit is None or len(row) <= limit else [*row[: limit - 1], ",".join(row[limit - 1 :])]


def _line(line: str, number: int, *, with_header: bool, oracle: bool) -> Iterator[Said]:
    pointer = f"{LINE}{number}"
    if len(line) > LONGEST_FIELD:
        yield Fault(pointer=pointer, reason="is longer than any line GLITCH writes")
        return
    linter = None if with_header else _LINTER.match(line)
    row = list(linter.groups()) if linter and not _BARE.match(line) else _row(line, 5)
    try:
        yield _finding(row, pointer, with_header=with_header, oracle=oracle)
    except ItemRefused as error:
        yield Fault(pointer=pointer, reason=error.message)


def _finding(row: list[str], pointer: str, *, with_header: bool, oracle: bool) -> RawFinding:
    if len(row) < 3:
        raise ItemRefused("has fewer than three fields")
    place, said = place_of(row[0].strip()), row[2].strip()
    identity = _SPELLINGS.get(said.lower(), said)
    if not identity:
        raise ItemRefused("names no rule")
    name, severity, cwes = _RULES.get(identity, (said, Severity.LOW, ()))
    description = row[3].strip() if with_header and not oracle and len(row) > 3 else ""
    code = row[4].strip() if len(row) > 4 else ""
    secret = _VALUE.search(code) if identity in _SECRET_RULES else None
    return RawFinding(
        scanner=Scanner(name="glitch-oracle" if oracle else "glitch"),
        rule=Rule(id=identity, name=name, cwes=tuple(sorted({*cwes, *cwe_numbers(description)}))),
        severity=severity,
        domain=Domain.IAC,
        location=file_location(place.path, row[1].strip() or None, None),
        message=description or name,
        pointer=pointer,
        snippet=code or None,
        flags=(*place.flags, "oracle") if oracle else place.flags,
        secrets=(secret[1],) if secret else (),
    )


READER = FormatReader(name="glitch", native=_is_native, decode=_read)
