"""The same code in disguise: moved, renamed, aliased, reached by another road."""

from __future__ import annotations

import re
from collections import Counter

from pipeline.fixes.code import IDENTIFIER, code_lines
from pipeline.verification.change import Change
from pipeline.verification.checks.containers import another_thing
from pipeline.verification.checks.hollow import handed_on
from pipeline.verification.checks.kept_secrets import secret_kept
from pipeline.verification.checks.settings import same_settings

_TOKEN = re.compile(r"[A-Za-z_$][\w$]*|\d[\w.]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[^\s\w]")
_LITERAL = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'")
_ROADS = re.compile(
    r"\bgetattr\s*\(|\b__import__\s*\(|\bimportlib\b|\bglobals\s*\(\s*\)\s*\[|\blocals\s*\(\s*\)\s*\[|\bvars\s*\("
    r"|\b__dict__\b|\b__getattribute__\b|\bsetattr\s*\(|\b(?:eval|exec|compile)\s*\(|\bnew\s+Function\s*\("
    r"|\bClass\.forName\b|\bgetMethod\s*\(|\bgetDeclaredMethod\s*\(|\bMethodHandles?\b|\breflect\.|\bReflect\.(?:get|apply)\b"
    r"|\bsend\s*\(\s*:|\bpublic_send\b|\bcall_user_func|\bb64decode\b|\bfromhex\b|\batob\s*\(|\bBuffer\.from\s*\("
    r"|\bcodecs\.decode\b|\bchr\s*\(|\bfromCharCode\b|\bglobalThis\s*\[|\bwindow\s*\[|\brequire\s*\(\s*[^\"'`)]"
    r"|\[\s*[\"'][a-z]\w+[\"']\s*\]\s*\("
)
_ALIAS = re.compile(
    r"^\s*(?:(?:const|let|var|final|auto|val)\s+)?([A-Za-z_]\w*)\s*:?=\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\s*;?\s*$",
    re.M,
)
_WRAPPING = re.compile(
    r"(?:(?:def|function|class|lambda|async|private|public|static|func|fn|sub)\b.*[:{]?|[)}\]];?"
    r"|return \w+\(.*\);?|\w+\(\w*\);?)$"
)
_IMPORTED_AS = re.compile(r"\b([A-Za-z_]\w*)\s+as\s+([A-Za-z_]\w*)")
_CONFIGURATION = frozenset(
    {"dockerfile", "yaml", "hcl", "json", "toml", "xml", "requirements", "text", "ini", "properties"}
)


def disguised(change: Change) -> str | None:
    """Return how a change leaves the code as it was under other words, None when it doesn't."""
    checks = (
        _moved,
        _renamed,
        _aliased,
        _other_road,
        _split_text,
        secret_kept,
        handed_on,
        same_settings,
        another_thing,
    )
    return next((reason for check in checks if (reason := check(change)) is not None), None)


def _moved(change: Change) -> str | None:
    """The same lines in another order: nothing was mended."""
    old, new = code_lines(change.path, change.before.text), code_lines(change.path, change.after.text)
    if old == new:
        return "only comments or layout change"
    if change.language == "dockerfile":
        return None
    if Counter(old) == Counter(new):
        return "the code is only moved"
    flagged = [" ".join(line.split()) for line in change.before.lines[change.flagged[0] - 1 : change.flagged[1]]]
    flagged = [line for line in code_lines(change.path, "\n".join(flagged)) if len(line) >= 12]
    inside = change.old_span[0] <= change.flagged[0] and change.flagged[1] <= change.old_span[1]
    if inside and flagged and change.language not in _CONFIGURATION and change.flagged[1] - change.flagged[0] < 12:
        new_lines = [" ".join(line.split()) for line in change.added.split("\n")]
        fresh = Counter(new) - Counter(old)
        wrapped = all(line in new_lines for line in flagged)
        if wrapped and fresh and all(_is_wrapping(line) for line in fresh):
            return "the code is only moved into a new block"
    return None


def _is_wrapping(line: str) -> bool:
    return _WRAPPING.match(line) is not None


def _renamed(change: Change) -> str | None:
    """Only names that this very code binds differ."""
    old, new = _TOKEN.findall(change.removed), _TOKEN.findall(change.added)
    if len(old) != len(new) or change.language in _CONFIGURATION - {"properties", "ini"}:
        return None
    pairs = {(a, b) for a, b in zip(old, new, strict=True) if a != b}
    if not pairs or not all(IDENTIFIER.fullmatch(a) and IDENTIFIER.fullmatch(b) for a, b in pairs):
        return None
    bound_before, bound_after = _bound(change.before.text), _bound(change.after.text)
    if len({a for a, _ in pairs}) == len(pairs) and all(a in bound_before and b in bound_after for a, b in pairs):
        return "names are only changed"
    return None


def _bound(text: str) -> set[str]:
    """Return the names a text assigns, takes as parameters or defines; not those it imports."""
    assigned = re.findall(r"\b([A-Za-z_$][\w$]*)\s*(?::\s*[\w\[\], .|]+)?\s*:?=(?!=)", text)
    defined = re.findall(r"\b(?:def|function|class|func|fn|sub|lambda|for|var|let|const)\s+([A-Za-z_$][\w$]*)", text)
    aliased = [alias for _, alias in _IMPORTED_AS.findall(text)]
    parameters = re.findall(r"\b(?:def|function|func|fn)\b[^(\n]*\(([^)\n]*)\)", text)
    return {*assigned, *defined, *aliased, *(name for group in parameters for name in IDENTIFIER.findall(group))}


def _aliased(change: Change) -> str | None:
    """A dangerous callable gets another name."""
    called = set(re.findall(r"([A-Za-z_][\w.]*)\s*\(", change.removed))
    last = {name.rpartition(".")[2] for name in called} | called
    added = _fresh_text(change)
    for name, value in _ALIAS.findall(added):
        if value in called or (value.rpartition(".")[2] in last and "." in value and name != value):
            return f"{value} only gets another name"
    for original, alias in _IMPORTED_AS.findall(added):
        modules = {name.partition(".")[0] for name in called}
        if alias != original and (original in last or original in modules):
            return f"{original} only gets another name"
    return None


def _other_road(change: Change) -> str | None:
    old, new = Counter(_ROADS.findall(change.before.text)), Counter(_ROADS.findall(change.after.text))
    fresh = new - old
    return f"it is reached by another road ({min(fresh).strip()})" if fresh else None


def _split_text(change: Change) -> str | None:
    """A text constant cut in pieces, so that a scanner doesn't know it."""
    joined = re.sub(r"([\"'])\s*(?:\+|\.|\.\.|<>|\|\|)?\s*([\"'])", "", re.sub(r"\\\n", "", change.added))
    constants = {a or b for a, b in _LITERAL.findall(change.removed)}
    kept = {a or b for a, b in _LITERAL.findall(change.added)}
    rejoined = {a or b for a, b in _LITERAL.findall(joined)}
    hidden = sorted(text for text in constants & rejoined - kept if len(text) > 2)
    return "a text is only cut in pieces" if hidden else None


def _fresh_text(change: Change) -> str:
    """Return the lines that are new, companions included."""
    fresh = Counter(change.after.lines) - Counter(change.before.lines)
    return "\n".join(fresh)
