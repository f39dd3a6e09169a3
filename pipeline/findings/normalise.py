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
from pipeline.records import Domain, Hints, Record, Rejection, Rule, Scanner, Severity, TextEdit
from pipeline.scanners.interface import FIX_LEFT_OUT, LINE, RawFinding

R = TypeVar("R", bound=Record)

LIMITS = {
    "message": MAX_TEXT,
    "help": MAX_HELP,
    "snippet": MAX_SNIPPET,
    "text": MAX_SNIPPET,
    "fix_text": MAX_TEXT,
}
MAX_FLOW_STEPS = 200
LONGEST_INDEX = 9
"""A last step of a pointer with up to so many digits is an element's number."""

CACHED_POINTERS = 10_000
CACHED_TEXTS = 20_000
SHORT = 300
"""Texts up to this length are kept with what became of them: paths, names and titles come again and again."""

PLAIN = frozenset((int, float, bool, Severity, Domain))
"""Types that hold no text of a report."""
HIDDEN_FLAG = "hidden-characters"


class Normaliser:
    """Turns what readers yield into what may be written."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._shared: dict[Record, Record] = {}
        self._above: dict[str, str] = {}
        self._short: dict[str, str] = {}
        self._signs: dict[str, frozenset[str]] = {}

    def finding(self, raw: RawFinding) -> RawFinding:
        """Return the finding, safe to write; flagged when its text talks to a model or hides itself."""
        flags = self._flags(raw)
        if raw.flow or raw.hints.edits:
            hints = msgspec.structs.replace(raw.hints, edits=_whole_edits(raw.hints))
            raw = msgspec.structs.replace(raw, flow=raw.flow[:MAX_FLOW_STEPS], hints=hints)
        return msgspec.structs.replace(
            raw, **self._changes(raw, leave=("secrets", "flags")), secrets=(), flags=tuple(sorted(flags))
        )

    def rejection(self, rejection: Rejection) -> Rejection:
        """Return a rejection that is safe to write: its text may quote the report."""
        return self.record(rejection)

    def record(self, record: R) -> R:
        """Return a record whose every text, at any depth, is cleaned, redacted and bounded."""
        changes = self._changes(record)
        return msgspec.structs.replace(record, **changes) if changes else record

    def _changes(self, record: Record, leave: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the fields that don't stay as they are, but for those to `leave`."""
        changes = {}
        for name in record.__struct_fields__:
            value = getattr(record, name)
            if not value or type(value) in PLAIN or name in leave:
                continue
            done = self.pointer(value) if name == "pointer" else self._value(value, LIMITS.get(name, MAX_NAME))
            if done is not value:
                changes[name] = done
        return changes

    def pointer(self, pointer: str) -> str:
        """Return a JSON pointer redacted whole and name by name: keys may be data, and escapes hide what they hold."""
        mark = " " if pointer.startswith(LINE) else "/"
        above, mark, last = pointer.rpartition(mark)
        if not last.isdecimal() or len(last) > LONGEST_INDEX:
            above, mark, last = pointer, "", ""
        found = self._above.get(above)
        if found is None:
            if len(self._above) >= CACHED_POINTERS:
                self._above.clear()
            found = self._above[above] = self._pointer(above)
        return cut(found + mark + last, MAX_NAME)

    def _pointer(self, pointer: str) -> str:
        names = self.text(pointer, MAX_NAME).split("/")
        return cut("/".join(name if name.isdecimal() else self._name(name) for name in names), MAX_NAME)

    def _name(self, name: str) -> str:
        name = self.text(name.replace("~1", "/").replace("~0", "~"), MAX_NAME)
        return name.replace("~", "~0").replace("/", "~1")

    def text(self, text: str, limit: int = MAX_TEXT) -> str:
        """Return one text, cleaned, redacted and bounded, in this order."""
        if len(text) <= SHORT:
            return cut(self._of_short(text), limit)
        longest = limit * READ_AHEAD
        redacted = self._redactor.redact(clean(text[:longest]))
        return cut(redacted if len(text) <= longest else without_torn_end(redacted), limit)

    def _of_short(self, text: str) -> str:
        """Clean and redact a text as short as what reports repeat, once."""
        found = self._short.get(text)
        if found is None:
            if len(self._short) >= CACHED_TEXTS:
                self._short.clear()
            found = self._short[text] = self._redactor.redact(clean(text))
        return found

    def _value(self, value: Any, limit: int) -> Any:
        if type(value) is str:
            done = self.text(value, limit)
            return value if done == value else done
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
        flags = set(raw.flags)
        for text in (raw.message, raw.snippet, raw.hints.fix_text, raw.rule.help, raw.rule.name):
            if text:
                flags |= self._signs_of(text)
        if raw.hints.edits and len(_whole_edits(raw.hints)) < len(raw.hints.edits):
            flags.add(FIX_LEFT_OUT)
        return flags

    def _signs_of(self, text: str) -> frozenset[str]:
        """Return the flags a text earns; those of a short one are looked for once."""
        found = self._signs.get(text)
        if found is None:
            signs = {FLAG: talks_to_a_model(text[:MAX_HELP]), HIDDEN_FLAG: hides_direction(text)}
            found = frozenset(flag for flag, earned in signs.items() if earned)
            if len(text) <= SHORT:
                if len(self._signs) >= CACHED_TEXTS:
                    self._signs.clear()
                self._signs[text] = found
        return found


def _whole_edits(hints: Hints) -> tuple[tuple[TextEdit, ...], ...]:
    """Return the edits that need not be cut: a fix cut short is worse than none."""
    return tuple(group for group in hints.edits if all(len(edit.text) <= MAX_SNIPPET for edit in group))
