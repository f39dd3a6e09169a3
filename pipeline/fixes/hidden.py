"""Secrets in fixes: hidden in what stood there, and no fix at all when the replacement still shows one."""

from __future__ import annotations

import msgspec

from pipeline.fixes.interface import Refusal
from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix
from pipeline.source.document import document_of
from pipeline.source.place import place_of
from pipeline.source.redaction import redactor
from pipeline.source.secret import is_secret, secret_values


def hide_secrets(finding: Finding, fix: Fix, text: SourceText) -> Fix | Refusal:
    """Return the fix with secrets hidden; a Refusal when its replacement can't be shown as it is."""
    place = place_of(finding)
    values: tuple[str, ...] = ()
    if is_secret(finding) and not isinstance(place, str):
        values = secret_values(place, document_of(text.path, text.text))
    redact = redactor(values)
    if redact(fix.replacement) != fix.replacement or any(redact(edit.text) != edit.text for edit in fix.companions):
        return Refusal(reason="the replacement holds a secret")
    before = redact(fix.before)
    if before.count("\n") != fix.before.count("\n"):
        return Refusal(reason="a secret spans the lines")
    return msgspec.structs.replace(fix, before=before)
