"""Which CWEs a rule is about, for scanners whose reports name none: `rules.yaml`, written by hand.

What a report itself says always counts more. The same table labels the questions of
`benchmarks/retrieval.py`; there a question is never shown its own rule's entry.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from pipeline.records import Finding, Record

TABLE = Path(__file__).with_name("rules.yaml")
_TRIVY = re.compile(r"[A-Z]+(?:-[A-Z]+)*-?\d+")


class Known(Record):
    """What is known of a rule: the group it is in, and the CWEs any of which answers it."""

    about: str
    cwes: tuple[int, ...]


def cwes_of(finding: Finding) -> tuple[int, ...]:
    """Return the CWEs of a finding: what its report names, else what the table says of its rule, else none."""
    if finding.rule.cwes:
        return finding.rule.cwes
    known = table().get((finding.scanner.name, short(finding.scanner.name, finding.rule.id)))
    return known.cwes if known is not None else ()


@cache
def table() -> dict[tuple[str, str], Known]:
    """Return what is known by scanner and rule, the rule in short form."""
    return {
        (scanner, rule): Known(about=group["about"], cwes=tuple(group["cwes"]))
        for group in yaml.load(TABLE.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        for scanner, rules in group.items()
        if scanner not in ("about", "cwes")
        for rule in rules.split()
    }


def short(scanner: str, rule: str) -> str:
    """Return a rule's id as the table writes it: Trivy's ids have changed their form between versions."""
    rule = rule.removeprefix("zizmor/").removeprefix("AVD-")
    if scanner == "trivy" and _TRIVY.fullmatch(rule):
        rule = re.sub(r"^(DS|KSV)(\d{3})$", r"\g<1>0\2", rule.replace("-", ""))
    return rule
