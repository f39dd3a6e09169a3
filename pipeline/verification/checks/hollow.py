"""Replacements without content: a message, an empty value or a text where code stood, a callable handed on."""

from __future__ import annotations

import re

from pipeline.fixes.code import TRIVIAL
from pipeline.fixes.text import changed_span
from pipeline.verification.change import Change, difference

_SAYS = re.compile(
    r"^(?:await\s+)?(?:print|printf|puts|echo|println!?|console\.\w+|(?:\w+\.)*(?:log|logger|logging|_log|LOG|LOGGER)\.\w+"
    r"|logging\.\w+|warnings\.warn|System\.(?:out|err)\.print\w*|fmt\.(?:P|Fp)rint\w*|sys\.std(?:out|err)\.write|error_log)\b.*$"
)
_CONDITION = re.compile(r"^(?:if|elif|unless)\b.*[:{]$")
_TOKEN = re.compile(r"\w+|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[^\s\w]")
_EMPTY = frozenset(["None", "null", "nil", "undefined", "{", "}", "[", "]", "(", ")", '""', "''", "0", "b"])
_TEXT = re.compile(r"\"\"\"(.*?)\"\"\"|'''(.*?)'''|\"([^\"\n]*)\"|'([^'\n]*)'|`([^`]*)`", re.DOTALL)
_CALLED = re.compile(r"(?<![\w.])((?:[A-Za-z_$][\w$]*\.)*[A-Za-z_$][\w$]*)\s*\(")
_BUILT_IN = frozenset("eval exec compile execSync spawn system popen unserialize passthru shell_exec".split())  # noqa: SIM905
_IMPORTS = re.compile(r"^(?:import|from|use|using)\b|\brequire\s*\(")
_SHORTEST = 12


def hollow(change: Change) -> str | None:
    """Return how the code was replaced by something that does nothing of the kind, None when it wasn't."""
    gone, fresh = difference(change)
    meaning = [line for line in gone if line not in TRIVIAL]
    new = [line for line in fresh if line not in TRIVIAL]
    if not meaning or not new:
        return None
    if all(_SAYS.match(line) for line in new) and not any(_SAYS.match(line) for line in meaning):
        return "the code is deleted, only a message is left"
    if all(_CONDITION.match(line) for line in new) and not all(_CONDITION.match(line) for line in meaning):
        return "the code is deleted, a condition without consequence is left"
    if _emptied("\n".join(gone), "\n".join(fresh)):
        return "the code is deleted, an empty value is left"
    if _made_text(meaning, change.added):
        return "the code is turned into a text"
    return None


def handed_on(change: Change) -> str | None:
    """Return the callable that is no longer called where it was but handed to something that calls it."""
    gone, fresh = difference(change)
    old, new = "\n".join(gone), "\n".join(line for line in fresh if not _IMPORTS.search(line))
    imports = "\n".join(line for line in fresh if _IMPORTS.search(line))
    for name in sorted(set(_CALLED.findall(old))):
        named = rf"(?<![\w.]){re.escape(name)}\b(?!\s*[\w.(])"
        known = "." in name or name in _BUILT_IN
        if known and re.search(named, new) and not re.search(named, old):
            return f"{name} is only handed on"
        if name in _BUILT_IN and re.search(rf"\b{name}\s*(?::|\bas\b)\s*[A-Za-z_]", imports):
            return f"{name} only gets another name"
    return None


def _emptied(old: str, new: str) -> bool:
    """Tell whether the only difference is an empty value where something was called."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    (first, last), (begin, end) = changed_span(tuple(before), tuple(after))
    taken, put = before[first - 1 : last], after[begin - 1 : end]
    return "(" in taken and bool(put) and set(put) <= _EMPTY


def _made_text(lines: list[str], added: str) -> bool:
    texts = [" ".join(next(part for part in match if part).split()) for match in _TEXT.findall(added) if any(match)]
    return any(len(line) >= _SHORTEST and line.rstrip(";") in text for line in lines for text in texts)
