"""JavaScript and TypeScript as the route readers need them: calls, strings, and what names are imported from."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.source.blocks.parsing import parse
from pipeline.source.routes.interface import Files
from pipeline.source.routes.patterns import of_regex

if TYPE_CHECKING:
    from tree_sitter import Node

SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
_MAX_DEPTH = 4
FUNCTIONS = frozenset(
    {"arrow_function", "function_expression", "function_declaration", "generator_function", "function"}
)


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed file: its calls in order, the values of its variables, and its imports as (file, name in it)."""

    calls: tuple[Node, ...]
    values: dict[str, Node]
    imports: dict[str, tuple[str, str]]
    foreign: frozenset[str]


def script_of(files: Files, path: str) -> Script:
    """Parse a file; `foreign` are the names that come from packages."""
    text = files.texts[path]
    root = parse("typescript" if path.endswith("ts") else "javascript", text.encode("utf-8", "surrogateescape"))
    calls: list[Node] = []
    values: dict[str, Node] = {}
    names: list[tuple[str, str, str]] = []
    for node in _nodes(root) if root is not None else ():
        if node.type == "call_expression":
            calls.append(node)
        elif node.type == "variable_declarator" and (value := node.child_by_field_name("value")) is not None:
            if (module := _required(value)) is not None:
                names += [(local, name, module) for local, name in _bound(node.child_by_field_name("name"))]
            while value.type == "assignment_expression":  # app = module.exports = express()
                value = value.child_by_field_name("right") or node
            values.setdefault(text_of(node.child_by_field_name("name")), value)
        elif node.type == "import_statement":
            names += _imported(node)
    found = {local: (target, name) for local, name, module in names if (target := resolve(files, path, module))}
    foreign = frozenset(local for local, _, module in names if not module.startswith("."))
    return Script(tuple(calls), values, found, foreign)


def resolve(files: Files, path: str, module: str) -> str | None:
    """Return the file of a relative module name."""
    if not module.startswith("."):
        return None
    base = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
    stem = base.rsplit(".", 1)[0] if base.endswith(SUFFIXES) else base
    candidates = [base, *(stem + suffix for suffix in SUFFIXES), *(f"{base}/index{suffix}" for suffix in SUFFIXES)]
    return next((candidate for candidate in candidates if candidate in files.texts), None)


def member(call: Node) -> tuple[Node, str] | None:
    """Return the object and the name of `object.name(…)`; None for other calls."""
    function = call.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return None
    owner, name = function.child_by_field_name("object"), function.child_by_field_name("property")
    return (owner, text_of(name)) if owner is not None and name is not None else None


def arguments(call: Node) -> list[Node]:
    """Return what a call is given."""
    given = call.child_by_field_name("arguments")
    return [one for one in given.named_children if one.type != "comment"] if given is not None else []


def option(node: Node, name: str) -> Node | None:
    """Return the value of a key of an object."""
    for pair in node.named_children if node.type == "object" else ():
        if pair.type == "pair" and text_of(pair.child_by_field_name("key")).strip("'\"") == name:
            return pair.child_by_field_name("value")
        if pair.type == "method_definition" and text_of(pair.child_by_field_name("name")) == name:
            return pair
        if pair.type == "shorthand_property_identifier" and text_of(pair) == name:
            return pair
    return None


def said(node: Node | None, script: Script, files: Files, depth: int = 0) -> str | None:
    """Return what a string, a template or a regular expression says, `{}` for a part that isn't known; else None."""
    found: str | None = None
    if node is None or depth > _MAX_DEPTH:
        return found
    if node.type == "string":
        found = text_of(node)[1:-1].replace("\\\\", "\\")
    elif node.type == "template_string":
        found = "".join(
            said(one.named_children[0], script, files, depth + 1) or "{}"
            if one.type == "template_substitution" and one.named_children
            else text_of(one)
            for one in node.named_children
        )
    elif node.type == "regex":
        found = "/" + of_regex(text_of(node.child_by_field_name("pattern"))).lstrip("/")
    elif node.type == "binary_expression":
        both = [said(node.child_by_field_name(side), script, files, depth + 1) for side in ("left", "right")]
        found = None if both == [None, None] else "".join(part or "{}" for part in both)
    elif node.type == "identifier" and text_of(node) in script.values:
        found = said(script.values[text_of(node)], script, files, depth + 1)
    elif node.type in ("identifier", "member_expression"):
        found = files.constant(text_of(node).rpartition(".")[2])
    return found


def text_of(node: Node | None) -> str:
    """Return a node's text, "" for none."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _nodes(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.named_children))


def _required(value: Node) -> str | None:
    """Return the module of `require('x')`, `require('x').y`, `require('x')(…)` and `await import('x')`."""
    while value.type in ("member_expression", "call_expression", "await_expression"):
        inner = value.child_by_field_name("object") or value.child_by_field_name("function") or value.named_children[0]
        if value.type == "call_expression" and text_of(inner) in ("require", "import") and arguments(value):
            return text_of(arguments(value)[0]).strip("'\"`")
        value = inner
    return None


def _bound(name: Node | None) -> Iterator[tuple[str, str]]:
    """Yield (name here, name there) of what a `require` is bound to; there is "" for the whole module."""
    if name is not None and name.type == "object_pattern":
        for one in name.named_children:
            there, here = one.child_by_field_name("key") or one, one.child_by_field_name("value") or one
            yield text_of(here), text_of(there)
    elif name is not None:
        yield text_of(name), ""


def _imported(statement: Node) -> Iterator[tuple[str, str, str]]:
    module = text_of(statement.child_by_field_name("source")).strip("'\"`")
    for node in _nodes(statement):
        if node.type == "import_specifier":
            there = text_of(node.child_by_field_name("name"))
            yield text_of(node.child_by_field_name("alias")) or there, "" if there == "default" else there, module
        elif (
            node.type == "identifier"
            and node.parent is not None
            and node.parent.type in ("import_clause", "namespace_import")
        ):
            yield text_of(node), "", module
