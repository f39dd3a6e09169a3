"""Names a piece of code gives out itself, taken away: a copy with other names for its variables is the same code.

What is called, read or set elsewhere (functions of a library, attributes, keys of a configuration)
keeps its name: there it is the name that says what happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.source.blocks.parsing import parse
from pipeline.source.language import language_of

if TYPE_CHECKING:
    from tree_sitter import Node

MARK = b"v"
LANGUAGES = frozenset({
    "python", "javascript", "typescript", "tsx", "java", "kotlin", "go", "ruby", "php", "csharp", "c", "cpp",
    "rust", "swift", "scala",
})  # fmt: skip
"""Languages in which a declared name means nothing outside; in a configuration each key does."""
_BINDING = ("name", "left", "pattern", "declarator", "parameter", "parameters", "alias")
_LEAVES = frozenset({
    "identifier", "simple_identifier", "variable_name", "shorthand_property_identifier_pattern", "type_identifier",
    "constant",
})  # fmt: skip
_USES = ("call", "invocation", "argument", "access", "attribute", "member", "field_expression", "selector", "subscript",
         "index", "scoped", "qualified", "import", "use_", "generic", "annotation", "decorator")  # fmt: skip
_VALUES = ("value", "type", "body", "right", "return_type", "default_value", "object", "function", "property")


def without_own_names(code: str, path: str) -> str:
    """Return the code with each name it declares (variables, parameters, functions, classes) replaced by one mark.

    Code of another language, and of one that can't be parsed, comes back as it is.
    """
    language = language_of(path)
    root = parse(language, code.encode()) if language in LANGUAGES else None
    if root is None:
        return code
    leaves = list(_walk(root))
    bound = {leaf.text for leaf in leaves if _binds(leaf)}
    source, parts, last = code.encode(), [], 0
    for leaf in leaves:
        if leaf.text in bound and not _is_member(leaf):
            parts += [source[last : leaf.start_byte], MARK]
            last = leaf.end_byte
    return b"".join([*parts, source[last:]]).decode()


def _walk(root: Node) -> Iterator[Node]:
    """Yield the names in a tree, in their order."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type in _LEAVES:
            yield node
        stack.extend(reversed(node.children))


def _binds(leaf: Node) -> bool:
    """Is this the place that gives the name out: the target of an assignment, a parameter, a definition?"""
    node: Node = leaf
    for _ in range(6):
        parent = node.parent
        if parent is None or any(use in parent.type for use in _USES):
            return False
        field = _field(parent, node)
        if leaf.type == "type_identifier":
            return field == "name"
        if field in _BINDING or "parameter" in parent.type or parent.type == "variable_declaration":
            return field not in _VALUES
        if field in _VALUES or field is not None:
            return False
        node = parent
    return False


def _is_member(leaf: Node) -> bool:
    """Is this name one of a thing's: `.name`, or a keyword of a call?"""
    parent = leaf.parent
    if parent is None:
        return False
    if "keyword" in parent.type or "labeled" in parent.type:
        return _field(parent, leaf) == "name"
    return _field(parent, leaf) in ("attribute", "property", "field", "suffix")


def _field(parent: Node, child: Node) -> str | None:
    for index, one in enumerate(parent.children):
        if one.id == child.id:
            return parent.field_name_for_child(index)
    return None
