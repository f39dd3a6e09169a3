"""What of a text is code: comments and layout taken off, so that changes of meaning can be told."""

from __future__ import annotations

import re
from typing import Any

from pipeline.fixes.region import parse
from pipeline.source.language import language_of


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HASH = _words("python ruby bash yaml toml dockerfile requirements hcl perl powershell make properties ini elixir")
_SLASH = _words(
    "javascript typescript tsx java kotlin go php csharp c cpp rust swift scala groovy dart hcl bicep gomod solidity"
)
_KEYWORDS = _words(
    """true false none null self this return if else for while try except finally with as in is not and or def class
    import from const let var new function async await public private static final void int str string bool
    raise throw throws catch do then fi end name type value key id the"""
)
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_TEXTS = ("string", "template_string", "concatenated_string")
TRIVIAL = _words("pass ... return return; {} } { ) ( }; }); ] end fi done ;") | {"", "return None", "return null;"}


def code_lines(path: str, text: str) -> list[str]:
    """Return the lines that hold code, without comments and layout."""
    bare = without_comments(path, text)
    return [" ".join(line.split()) for line in bare.split("\n") if line.strip()]


def without_comments(path: str, text: str) -> str:
    """Return the text with its comments blanked: by tree-sitter, else by the language's marks."""
    language = language_of(path)
    root = parse(language, text)
    if root is not None and not root.has_error:
        return _blanked(text, root)
    return "\n".join(_without_mark(line, language) for line in text.split("\n"))


def _blanked(text: str, root: Any) -> str:
    content = bytearray(text.encode())
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if "comment" in node.type or is_text_alone(node):
            for place in range(node.start_byte, node.end_byte):
                if content[place] != 10:
                    content[place] = 32
        else:
            waiting += node.children
    return content.decode(errors="replace")


def is_text_alone(node: Any) -> bool:
    """Tell whether a node is a text that nothing uses: a docstring, or code turned into a string."""
    if node.type == "expression_statement":
        named = [child for child in node.children if child.is_named]
        return len(named) == 1 and named[0].type in _TEXTS
    return node.type in _TEXTS and node.parent is not None and node.parent.type in ("module", "block")


def _without_mark(line: str, language: str) -> str:
    stripped = line.lstrip()
    if language in _HASH and stripped.startswith("#"):
        return ""
    if language in _SLASH and stripped.startswith(("//", "/*", "*/", "* ")):
        return ""
    return re.sub(r"\s#\s.*$", "", line) if language in _HASH else re.sub(r"\s//\s.*$", "", line)


def identifiers(text: str) -> set[str]:
    """Return the names in a text, without keywords and very short ones."""
    return {name for name in IDENTIFIER.findall(text) if name.lower() not in _KEYWORDS and len(name) > 2}


def has_code(path: str, text: str) -> bool:
    """Tell whether a text does anything: more than comments, brackets and `pass`."""
    return any(line not in TRIVIAL for line in code_lines(path, text))
