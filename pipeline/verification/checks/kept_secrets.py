"""A secret that still stands in the file: plain, in pieces, backwards, encoded, or another one in its place."""

from __future__ import annotations

import base64
import re

from pipeline.records import Domain
from pipeline.verification.change import Change, difference

_KEY_LINE = 16
_LITERAL = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`([^`]*)`")
_BARE = re.compile(r"[=:]\s*([^\s\"'`,;]{6,})")
_BARE_VALUES = frozenset({"bash", "yaml", "text", "properties", "ini", "toml", "dockerfile", "xml"})
_GLUE = re.compile(r"\$\{[^}]*\}|[\"'`\s+,.\\\[\]]")
_FALLBACK = re.compile(
    r"(?:\b(?:environ\.get|getenv|env|ENV\.fetch|getProperty)\s*\(\s*[\"'][^\"']+[\"']\s*,\s*(?:default\s*=\s*)?"
    r"|\benv\.\w+\s*(?:\|\||\?\?)\s*)[\"'][^\"'\s]+[\"']|\$\{\w+:?-[^}\s]+\}"
)
_VARIED = re.compile(r"(?=[A-Za-z+=]*\d)(?=[\d+=]*[A-Za-z])[A-Za-z0-9+=]{16,}")
_PIECE = 3


def secret_kept(change: Change) -> str | None:
    """Return how the secret, or a new one, still stands there; None when it doesn't or the finding means none."""
    hard_coded = re.search(r"(?i)^[BS]10[567]$|hard-?_?coded", change.finding.rule.id) is not None
    if change.finding.domain is not Domain.SECRETS and not hard_coded:
        return None
    flagged = "\n".join(change.before.lines[change.flagged[0] - 1 : change.flagged[1]])
    if any(len(line) >= _KEY_LINE and line in change.after.lines for line in flagged.split("\n")):
        return "the secret still stands there"
    for value in _secrets_in(flagged, change.language, _PIECE if hard_coded else 6):
        if _stands(value, change.added):
            return "the secret still stands there"
    gone, fresh = ("\n".join(lines) for lines in difference(change))
    if len(_FALLBACK.findall(fresh)) > len(_FALLBACK.findall(gone)):
        return "another constant stands in for the secret"
    varied = {match for text in _literals(fresh) for match in _VARIED.findall(text)}
    if change.finding.domain is Domain.SECRETS and any(one not in change.before.text for one in varied):
        return "another constant stands where the secret stood"
    return None


def _stands(value: str, added: str) -> bool:
    """Tell whether a text still holds a value: as it is, in pieces that are put together, backwards or encoded."""
    if len(value) < 6:
        return value in _literals(added)
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    forms = (value, value[::-1], encoded, value.encode().hex())
    glued, plain = _GLUE.sub("", added), _GLUE.sub("", value)
    if any(form in added for form in forms) or any(form and form in glued for form in (plain, plain[::-1])):
        return True
    parts = {re.sub(r"\{\w*\}|%s", "", text) for text in _literals(added)}
    pieces = {text for text in parts if len(text) >= _PIECE and (text in value or text[::-1] in value)}
    return sum(map(len, pieces)) * 2 >= len(value)


def _secrets_in(text: str, language: str, shortest: int) -> list[str]:
    """Return the value that is most likely the secret: quoted before bare, the most varied."""
    quoted = [value for value in _literals(text) if " " not in value and len(value) >= shortest]
    bare = _BARE.findall(text) if language in _BARE_VALUES else []
    candidates = quoted or bare
    return [max(candidates, key=lambda value: (len(set(value)) * len(value), value))] if candidates else []


def _literals(text: str) -> list[str]:
    """Return quoted texts, those that name something left out: the keys of tables."""
    found = []
    for match in _LITERAL.finditer(text):
        ahead, behind = text[: match.start()].rstrip()[-1:], text[match.end() : match.end() + 2].lstrip()[:1]
        if not (ahead == "[" and behind == "]") and behind != ":":
            found.append(next((part for part in match.groups() if part), ""))
    return found
