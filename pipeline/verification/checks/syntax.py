"""No new syntax error: by tree-sitter and by the language's own parser, before and after compared.

Scanners read what they can't parse as clean, so this comes first.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import tomllib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from defusedxml import ElementTree

from pipeline.fixes.region import parse
from pipeline.source.language import language_of

_YAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PROGRAMS = {
    "bash": ("bash", "-n"),
    "ruby": ("ruby", "-c"),
    "php": ("php", "-l"),
    "go": ("gofmt", "-e"),
    "javascript": ("node", "--check", "-"),
    "perl": ("perl", "-c"),
}
_SECONDS = 20


def new_syntax_error(path: str, before: str, after: str) -> str | None:
    """Return how the fixed file fails to parse although it parsed before, None when it doesn't."""
    language = language_of(path)
    old, new = error_count(language, before), error_count(language, after)
    if new > old:
        return f"tree-sitter finds {new - old} new syntax error{'s' if new - old > 1 else ''}"
    own = OWN_PARSERS.get(language)
    if own is not None:
        return None if _parses(own, after) or not _parses(own, before) else f"it is no valid {language} any more"
    if language in _PROGRAMS and _accepts(language, before) and not _accepts(language, after):
        return f"{_PROGRAMS[language][0]} can't parse it"
    return None


def error_count(language: str, text: str) -> int:
    """Return how many error and missing nodes tree-sitter makes of a text; 0 without a grammar."""
    root = parse(language, text)
    if root is None or not root.has_error:
        return 0
    return sum(1 for node in _nodes(root) if node.is_error or node.is_missing)


def _nodes(root: Any) -> Iterator[Any]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.has_error:
            waiting += node.children


def _python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(ast.parse(text), "fix", "exec", dont_inherit=True)


def _yaml(text: str) -> None:
    for document in yaml.compose_all(text, Loader=_YAML):
        _no_key_twice(document)


def _no_key_twice(node: Any) -> None:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if len(keys) != len(set(keys)):
            raise ValueError("a key stands twice")
        for _, value in node.value:
            _no_key_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _no_key_twice(value)


def _hcl(text: str) -> None:
    """Refuse an attribute that stands twice in a block: Terraform does, the grammar doesn't."""
    root = parse("hcl", text)
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if node.type == "body":
            names = [child.children[0].text for child in node.children if child.type == "attribute"]
            if len(names) != len(set(names)):
                raise ValueError("an attribute stands twice")
        waiting += node.children


def _dockerfile(text: str) -> None:
    """Refuse what isn't built from anything."""
    words = [line.split()[0].upper() for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    first = next((word for word in words if word != "ARG"), None)
    if first != "FROM":
        raise ValueError("no FROM")


OWN_PARSERS: dict[str, Callable[[str], object]] = {
    "python": _python,
    "json": json.loads,
    "yaml": _yaml,
    "toml": tomllib.loads,
    "xml": ElementTree.fromstring,
    "hcl": _hcl,
    "dockerfile": _dockerfile,
}


def _parses(own: Callable[[str], object], text: str) -> bool:
    try:
        own(text)
    except (SyntaxError, ValueError, yaml.YAMLError, RecursionError, MemoryError, ElementTree.ParseError):
        return False
    return True


def _accepts(language: str, text: str) -> bool:
    """Tell whether a language's program accepts a text; True where it isn't installed."""
    program = shutil.which(_PROGRAMS[language][0])
    if program is None:
        return True
    command = [program, *_PROGRAMS[language][1:]]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode == 0
