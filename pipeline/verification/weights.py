"""How heavy findings are against one another, where a scanner calls all of its own the same.

ruff's SARIF gives every rule the level `error`; its S rules are Bandit's, so Bandit's severities
stand in. The order of `Severity` is the order of weights: the first is the heaviest.
"""

from __future__ import annotations

import re

from pipeline.records import Severity

_ORDER = tuple(Severity)
_RUFF = re.compile(r"^s(\d{3})$")
_LOW = frozenset(
    [
        "101",
        "105",
        "106",
        "107",
        "110",
        "112",
        "311",
        "603",
        "606",
        "607",
        "113",
        "404",
        "405",
        "406",
        "407",
        "408",
        "409",
        "411",
        "415",
        "403",
        "401",
        "402",
        "412",
        "413",
    ]
)
_HYGIENE = frozenset({"ckv2-aws-5", "ckv-aws-23"})
"""Checkov's rules that name no weakness: a security group nothing uses here, a rule of one without a description."""
_HIGH = frozenset("102 324 501 502 602 605 609 604 612 701 702 202 413 321 507".split())  # noqa: SIM905


def weight(rules: tuple[str, ...], severity: Severity) -> int:
    """Return a finding's place in the order of severities, smaller is worse."""
    if _HYGIENE & set(rules):
        return _ORDER.index(Severity.INFO)
    for rule in rules:
        match = _RUFF.match(rule)
        if match is not None:
            return _ORDER.index(_of_number(match.group(1)))
    return _ORDER.index(severity)


def _of_number(number: str) -> Severity:
    if number in _LOW:
        return Severity.LOW
    return Severity.HIGH if number in _HIGH else Severity.MEDIUM
