"""CWE numbers in the spellings scanners use."""

from __future__ import annotations

import re

_SPELLING = re.compile(r"(?i)cwe(?:[-_:/ #\u2010-\u2015]{0,3}|\.mitre\.org/data/definitions/)(\d{1,5})(?!\d)")
_BARE = re.compile(r"\s*(\d{1,5})\s*")


def cwe_numbers(*texts: str | None) -> tuple[int, ...]:
    """Find CWE numbers in texts such as `CWE-79: …`, `external/cwe/cwe-079`, `cwe:79`, MITRE's address; ascending."""
    found = {int(number) for text in texts if text for number in _SPELLING.findall(text)}
    return tuple(sorted(found - {0}))


def bare_number(text: str | int | None) -> tuple[int, ...]:
    """Read a field that holds nothing but a CWE's number; -1, 0 and other words mean none."""
    match = _BARE.fullmatch(str(text)) if text is not None else None
    return (int(match[1]),) if match and int(match[1]) > 0 else cwe_numbers(str(text or ""))
