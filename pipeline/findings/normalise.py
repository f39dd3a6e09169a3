"""A raw finding made fit to be written: cleaned, redacted, bounded, flagged; every text of it.

The walk over a record's fields is generic, so that a field added later can't be forgotten.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

import msgspec

from pipeline.findings.injection import FLAG, talks_to_a_model
from pipeline.findings.redaction import Redactor
from pipeline.findings.text import (
    MAX_HELP,
    MAX_NAME,
    MAX_SNIPPET,
    MAX_TEXT,
    READ_AHEAD,
    clean,
    cut,
    hides_direction,
    without_torn_end,
)
from pipeline.records import Hints, Record, Rejection, Rule, Scanner, TextEdit
from pipeline.scanners.interface import FIX_LEFT_OUT, RawFinding

R = TypeVar("R", bound=Record)

LIMITS = {"message": MAX_TEXT, "help": MAX_HELP, "snippet": MAX_SNIPPET, "text": MAX_SNIPPET, "fix_text": MAX_TEXT,
          "reason": MAX_TEXT}  # fmt: skip
MAX_FLOW_STEPS = 200
LONGEST_INDEX = 9
"""A last step of a pointer with up to so many digits is an element's number."""

CACHED_POINTERS = 10_000
HIDDEN_FLAG = "hidden-characters"


class Normaliser:
    """Turns what readers yield into what may be written."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._shared: dict[Record, Record] = {}
        self._above: dict[str, str] = {}

    def finding(self, raw: RawFinding) -> RawFinding:
        """Return the finding, safe to write; flagged when its text talks to a model or hides itself."""
        flags = self._flags(raw)
        hints = msgspec.structs.replace(raw.hints, edits=_whole_edits(raw.hints))
        raw = msgspec.structs.replace(raw, secrets=(), flow=raw.flow[:MAX_FLOW_STEPS], hints=hints)
        return msgspec.structs.replace(self.record(raw), flags=tuple(sorted(flags)))

    def rejection(self, rejection: Rejection) -> Rejection:
        """Return a rejection that is safe to write: its text may quote the report."""
        return self.record(rejection)

    def record(self, record: R) -> R:
        """Return a record whose every text, at any depth, is cleaned, redacted and bounded."""
        changes = {
            name: self.pointer(value) if name == "pointer" else self._value(value, LIMITS.get(name, MAX_NAME))
            for name in record.__struct_fields__
            if (value := getattr(record, name))
        }
        return msgspec.structs.replace(record, **changes)

    def pointer(self, pointer: str) -> str:
        """Return a JSON pointer redacted whole and name by name: keys may be data, and escapes hide what they hold."""
        above, slash, last = pointer.rpartition("/")
        if not last.isdecimal() or len(last) > LONGEST_INDEX:
            above, slash, last = pointer, "", ""
        found = self._above.get(above)
        if found is None:
            if len(self._above) >= CACHED_POINTERS:
                self._above.clear()
            found = self._above[above] = self._pointer(above)
        return cut(found + slash + last, MAX_NAME)

    def _pointer(self, pointer: str) -> str:
        names = self.text(pointer, MAX_NAME).split("/")
        return cut("/".join(name if name.isdecimal() else self._name(name) for name in names), MAX_NAME)

    def _name(self, name: str) -> str:
        name = self.text(name.replace("~1", "/").replace("~0", "~"), MAX_NAME)
        return name.replace("~", "~0").replace("/", "~1")

    def text(self, text: str, limit: int = MAX_TEXT) -> str:
        """Return one text, cleaned, redacted and bounded, in this order."""
        longest = limit * READ_AHEAD
        redacted = self._redactor.redact(clean(text[:longest]))
        return cut(redacted if len(text) <= longest else without_torn_end(redacted), limit)

    def _value(self, value: Any, limit: int) -> Any:
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return self.text(value, limit)
        if isinstance(value, tuple):
            return tuple(self._value(item, limit) for item in value)
        if isinstance(value, Record):
            return self._once(value) if isinstance(value, Rule | Scanner) else self.record(value)
        return value

    def _once(self, record: Record) -> Record:
        """Do a rule or a scanner once: it is shared by many findings."""
        found = self._shared.get(record)
        if found is None:
            found = self._shared[record] = self.record(record)
        return found

    def _flags(self, raw: RawFinding) -> set[str]:
        texts = [raw.message, raw.snippet or "", raw.hints.fix_text or "", raw.rule.help or "", raw.rule.name or ""]
        flags = set(raw.flags)
        if any(talks_to_a_model(text[:MAX_HELP]) for text in texts):
            flags.add(FLAG)
        if len(_whole_edits(raw.hints)) < len(raw.hints.edits):
            flags.add(FIX_LEFT_OUT)
        if any(hides_direction(text) for text in texts):
            flags.add(HIDDEN_FLAG)
        return flags


def _whole_edits(hints: Hints) -> tuple[tuple[TextEdit, ...], ...]:
    """Return the edits that need not be cut: a fix cut short is worse than none."""
    return tuple(group for group in hints.edits if all(len(edit.text) <= MAX_SNIPPET for edit in group))
