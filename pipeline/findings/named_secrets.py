"""Values given to names that say secret: `db_password = "…"`, `--token …`, `<secret>…</secret>`.

The names are found first, each once, by the word in them; what may follow a name is then only
tried at its end. So time grows with the text however often `password=` is repeated in it: no
form looks twice at a name inside a value it has already gone through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pipeline.findings.secret_context import is_assigned_secret, is_bare_secret, is_inline_secret

NEEDLES = ("pass", "pwd", "secret", "token", "key", "credential", "psk", "bindpw")
"""In lower case: without one of these there is no name."""

LONGEST_NAME = 200
LONGEST_START = 200
"""How far back a line's start is looked for."""

_WORD = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_\-. ]?key|access[_\-. ]?key|private[_\-. ]?key"
    r"|signing[_\-. ]?key|encryption[_\-. ]?key|auth[_\-. ]?key|account[_\-. ]?key|credentials?|jwt[_\-. ]?key"
    r"|(?:admin|master|consumer|subscription)[_\-. ]?key|psk|bindpw)"
)
_REST = re.compile(r"[A-Za-z0-9_.\-]*+")
_IN_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_BARE = r"[^\s\"'`#;,(){}\[\]<>$"
_LINE_START = re.compile(
    r"(?i)[ \t+\-]*+(?:\d{1,6}[ \t:|]++)?(?:(?:export|env|arg|set|-)[ \t]++)?",
)
_COMMAND = re.compile(r"(?i)\b(?:export|env|arg|set)[ \t]{1,8}$")


class _Form(NamedTuple):
    """One way to give a name a value: what follows the name, what stands before it, what is accepted.

    `first` holds what can follow at once, a space for any white space: most names fail by it alone.
    """

    kind: str
    first: str
    after: re.Pattern[str]
    accept: Callable[[str, str, str], bool]
    before: Callable[[str, int, int], bool] | None = None


def _starts_line(text: str, start: int, _end: int) -> bool:
    line = text.rfind("\n", max(0, start - LONGEST_START), start) + 1
    if not line and start > LONGEST_START:
        return False
    match = _LINE_START.match(text, line, start)
    return match is not None and match.end() == start


def _is_exported(text: str, start: int, _end: int) -> bool:
    return _COMMAND.search(text, max(0, start - 16), start) is not None


def _is_element(text: str, start: int, _end: int) -> bool:
    return start > 0 and text[start - 1] == "<"


def _is_flag(text: str, start: int, _end: int) -> bool:
    return text.startswith("--", start)


_FORMS = (
    _Form("password", "= ", re.compile(r"[=\s]++[\"']?(?P<value>[^\s\"'\-][^\s\"']{5,}+)"),
          lambda name, value, _: is_bare_secret(value, name), _is_flag),
    _Form("secret", "\\/\"'])=:,(iI ", re.compile(
        r"(?i)(?:[\\/]{0,3}[\"'\]\)]){0,3}\s{0,20}(?P<separator>:=|=>|==|=|:|,|\(|\bis\b)\s{0,20}(?:[a-z]{1,2})?"
        r"[\\/]{0,3}(?P<quote>[\"'`])(?P<value>[^\"'`\s\\]{4,400}+)\\{0,3}(?P=quote)"), is_assigned_secret),
    _Form("secret", "=: ", re.compile(
        rf"(?m)(?:[ \t]*+=[ \t]*+|:[ \t]++|[ \t]++(?=\S++$))(?P<value>{_BARE}]{{6,}}+)[ \t]*+(?:$|#)"),
        lambda name, value, _: is_bare_secret(value, name), _starts_line),
    _Form("secret", " ", re.compile(r"[ \t]++(?P<quote>[\"'])(?P<value>[^\"'\s\\]{4,400}+)(?P=quote)"),
          is_assigned_secret, _starts_line),
    _Form("secret", "=:", re.compile(rf"(?:=|:[ \t]++)(?P<value>{_BARE}&]{{6,}}+)(?P<stop>(?=[\s;,&\]]|$))?"),
          lambda name, value, _: is_inline_secret(value, name)),
    _Form("secret", " ", re.compile(rf"[ \t]++(?P<value>{_BARE}]{{6,}}+)(?=\s|$)"),
          lambda name, value, _: is_bare_secret(value, name), _is_exported),
    _Form("xml-secret", ">", re.compile(r">\s*+(?P<value>[^<>\s]{4,400}+)\s*+</"), is_assigned_secret, _is_element),
)  # fmt: skip


def find_named_secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each value given to a name that says secret."""
    done = [0] * len(_FORMS)
    for start, end in _names(text):
        name, following = text[start:end], text[end : end + 1]
        following = " " if following.isspace() else following or "end"
        for number, form in enumerate(_FORMS):
            if following not in form.first or start < done[number]:
                continue
            if form.before is not None and not form.before(text, start, end):
                continue
            match = form.after.match(text, end)
            if match is None:
                continue
            done[number] = match.end("value")
            groups = match.groupdict()
            if groups.get("stop", "") is not None and form.accept(name, match["value"], groups.get("separator", "")):
                yield match.start("value"), match.end("value"), form.kind


def _names(text: str) -> Iterator[tuple[int, int]]:
    """Yield each run of a name's characters that holds a word for a secret."""
    end = 0
    for word in _WORD.finditer(text):
        if word.start() < end:
            continue
        start = word.start()
        while start > end and text[start - 1] in _IN_NAME:
            start -= 1
        end = _REST.match(text, word.end()).end()  # type: ignore[union-attr]
        if end - start <= LONGEST_NAME:
            yield start, end
