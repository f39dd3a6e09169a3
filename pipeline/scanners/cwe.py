"""CWE numbers in the spellings scanners use."""

from __future__ import annotations

import re

_SPELLING = re.compile(
    r"(?i)cwe(?:[-_ ]?id)?(?:[-_:/ #=\u2010-\u2015]{0,3}|\.mitre\.org/data/definitions/)(\d{1,5})(?!\d)"
)
_BARE = re.compile(r"\s*\d{1,5}(?:\s*[,;|]\s*\d{1,5})*+\s*")


def cwe_numbers(*texts: str | None) -> tuple[int, ...]:
    """Find CWE numbers in texts such as `CWE-79: …`, `external/cwe/cwe-079`, `cwe:79`, MITRE's address; ascending."""
    found = {int(number) for text in texts if text for number in _SPELLING.findall(text)}
    return tuple(sorted(found - {0}))


def bare_number(text: str | int | None) -> tuple[int, ...]:
    """Read a field that holds nothing but CWE numbers, one as a rule; -1, 0 and other words mean none."""
    said = str(text or "")
    if _BARE.fullmatch(said) is None:
        return cwe_numbers(said)
    return tuple(sorted({int(number) for number in re.findall(r"\d+", said)} - {0}))
