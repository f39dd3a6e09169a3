"""Secrets in fixes: hidden in what stood there, and no fix at all when the replacement still shows one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from pipeline.fixes.interface import Refusal, Snapshot
from pipeline.records import Finding, Fix
from pipeline.source.document import document_of
from pipeline.source.place import place_of
from pipeline.source.secret import is_secret, secret_values

Redact = Callable[[str], str]


def secrets_of(findings: Iterable[Finding], snapshot: Snapshot) -> Iterator[str]:
    """Yield the values that findings of secrets point at in a snapshot."""
    for finding in findings:
        place = place_of(finding)
        if not is_secret(finding) or isinstance(place, str):
            continue
        text = snapshot.find(place.path)
        if text is not None:
            yield from secret_values(place, document_of(text.path, text.text))


def hide_secrets(fix: Fix, redact: Redact) -> Fix | Refusal:
    """Return the fix with secrets hidden; a Refusal when its replacement can't be shown as it is."""
    if redact(fix.replacement) != fix.replacement or any(redact(edit.text) != edit.text for edit in fix.companions):
        return Refusal(reason="the replacement holds a secret")
    before = redact(fix.before)
    if before.count("\n") != fix.before.count("\n"):
        return Refusal(reason="a secret spans the lines")
    return msgspec.structs.replace(fix, before=before, note=redact(fix.note))
