"""Texts a grammar can't read because they aren't yet the language: preprocessor lines, templates, scripts in pages.

Every repair keeps the lines where they are, so that what is found afterwards has the right numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.source.interface import Span

_DIRECTIVE = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif|else|endif)?")
_TEMPLATE = re.compile(
    r"\{\{-?\s*/\*.{0,4000}?\*/\s*-?\}\}|\{\{.{0,2000}?\}\}|\{%.{0,2000}?%\}|\{#.{0,2000}?#\}", re.DOTALL
)
_HOLE = "\0"
_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)


def repairs(language: str, text: str, flagged: Span) -> Iterator[tuple[str, str]]:
    """Yield (language, text) to try when a parse has errors or the language is a page with scripts in it."""
    if language in ("c", "cpp", "objc"):
        yield language, without_preprocessor(text, flagged)
        if language == "c":
            yield "cpp", text
    elif language in ("yaml", "json") and ("{{" in text or "{%" in text):
        yield language, without_templates(text)
    elif language in ("html", "vue", "svelte", "php") and (script := script_only(text, flagged)) is not None:
        yield script


def without_preprocessor(text: str, flagged: Span) -> str:
    """Return C without preprocessor lines and with one branch of each `#if`: the flagged one, else the first."""
    lines = text.split("\n")
    keep = _kept_lines(lines, flagged)
    return "\n".join(line if kept else "" for line, kept in zip(lines, keep, strict=True))


def without_templates(text: str) -> str:
    """Return YAML or JSON with lines that are only template blank, and values from templates as words."""
    holes = _TEMPLATE.sub(lambda match: re.sub(r"[^\n]", _HOLE, match.group()), text)
    return "\n".join(line.replace(_HOLE, "x") if line.strip(f"{_HOLE} \t") else "" for line in holes.split("\n"))


def script_only(text: str, flagged: Span) -> tuple[str, str] | None:
    """Return the language and text of the script of a page that holds the flagged lines, all else blank."""
    for match in _SCRIPT.finditer(text):
        first, last = text.count("\n", 0, match.start(2)) + 1, text.count("\n", 0, match.end(2)) + 1
        if first <= flagged[0] and flagged[1] <= last:
            language = "typescript" if "ts" in re.findall(r"lang=[\"']?(\w+)", match.group(1)) else "javascript"
            return language, "\n" * (first - 1) + match.group(2) + "\n" * text.count("\n", match.end(2))
    return None


def _kept_lines(lines: list[str], flagged: Span) -> list[bool]:
    chosen = _chosen_branches(lines, flagged)
    keep, branches, continued = [], [], False
    for number, line in enumerate(lines, 1):
        match = None if continued else _DIRECTIVE.match(line)
        if match or continued:
            keep.append(False)
            continued = line.rstrip().endswith("\\")
            word = match.group(1) if match else None
            if word in ("if", "ifdef", "ifndef"):
                branches.append((number, 0))
            elif word in ("elif", "else") and branches:
                branches[-1] = (branches[-1][0], branches[-1][1] + 1)
            elif word == "endif" and branches:
                branches.pop()
        else:
            keep.append(all(chosen.get(start, 0) == branch for start, branch in branches))
    return keep


def _chosen_branches(lines: list[str], flagged: Span) -> dict[int, int]:
    """Return, for each `#if` around the first flagged line, which of its branches that line is in."""
    branches: list[tuple[int, int]] = []
    for number, line in enumerate(lines[: flagged[0]], 1):
        word = match.group(1) if (match := _DIRECTIVE.match(line)) else None
        if word in ("if", "ifdef", "ifndef"):
            branches.append((number, 0))
        elif word in ("elif", "else") and branches:
            branches[-1] = (branches[-1][0], branches[-1][1] + 1)
        elif word == "endif" and branches:
            branches.pop()
    return dict(branches)
