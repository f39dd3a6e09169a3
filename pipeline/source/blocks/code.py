"""Blocks of programming languages: functions, methods and classes, and what a file imports.

tree-sitter grammars name these alike, so one table serves all languages; where a name is
used by one grammar only, the language stands behind it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.source.blocks.interface import Block, Kind
from pipeline.source.blocks.parsing import span_of, text_of
from pipeline.source.interface import Span

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS = frozenset({
    "function_definition", "function_declaration", "function_item", "function_statement",  # last: PowerShell
    "method_definition", "method_declaration", "method", "singleton_method",  # last two: Ruby
    "constructor_declaration", "destructor_declaration", "compact_constructor_declaration", "secondary_constructor",
    "init_declaration", "deinit_declaration", "subroutine_declaration_statement",  # Swift; Perl
    "generator_function_declaration", "local_function_statement", "operator_declaration", "property_declaration",
    "getter", "setter", "function_signature", "trigger_declaration", "macro_definition", "modifier_definition",
    "static_initializer", "anonymous_initializer", "subscript_declaration", "indexer_declaration",
    "conversion_operator_declaration", "preproc_function_def",
})  # fmt: skip
ANONYMOUS = frozenset({
    "arrow_function", "function_expression", "generator_function", "func_literal", "anonymous_function",
    "anonymous_function_creation_expression", "lambda_literal", "lambda_expression", "closure_expression",
    "do_block", "block", "anonymous_method_expression",
})  # fmt: skip
CLASSES = frozenset({
    "class_definition", "class_declaration", "class", "abstract_class_declaration", "class_specifier",
    "struct_specifier", "struct_item", "struct_declaration", "impl_item", "trait_item", "enum_item", "mod_item",
    "module", "interface_declaration", "enum_declaration", "record_declaration", "annotation_type_declaration",
    "object_declaration", "companion_object", "object_definition", "trait_definition", "trait_declaration",
    "protocol_declaration", "namespace_declaration", "namespace_definition", "type_declaration", "union_specifier",
    "contract_declaration", "library_declaration", "extension_declaration", "class_implementation", "mixin_declaration",
    "internal_module",
})  # fmt: skip
IMPORTS = frozenset({
    "import_statement", "import_from_statement", "future_import_statement", "import_declaration", "import_header",
    "import_list", "package_header", "package_clause", "package_declaration", "preproc_include", "use_declaration",
    "namespace_use_declaration", "using_directive", "import_directive", "using_declaration", "import_or_export",
    "use_statement", "extern_crate_declaration", "package_statement",
})  # fmt: skip
_WRAPPERS = frozenset({
    "decorated_definition", "export_statement", "template_declaration", "variable_declarator", "lexical_declaration",
    "variable_declaration", "expression_statement", "call_expression", "call", "arguments", "argument_list",
    "assignment_expression", "assignment", "pair", "value_arguments", "call_suffix", "annotated_lambda",
    "short_var_declaration", "expression_list", "call_statement", "await_expression", "declaration_statement",
    "property", "method_call", "parenthesized_expression",
})  # fmt: skip
_MARKS = frozenset({"decorator", "attribute_item"})
"""What stands above a definition and belongs to it, where the grammar doesn't put it inside."""

_BODIES = ("body", "block", "class_body", "function_body", "compound_statement", "declaration_list", "enum_body")
_NAMES = frozenset({
    "identifier", "simple_identifier", "type_identifier", "name", "constant", "word", "property_identifier",
    "field_identifier", "function_name", "scope_resolution", "qualified_identifier", "destructor_name",
})  # fmt: skip
_REQUIRE = re.compile(r"^(?:(?:const|let|var)\b.*=\s*require\s*\(|require(?:_relative)?\b|load\b|source\s|\.\s|use\s)")
_MAX_SIGNATURE = 8
_MIN_ANONYMOUS_LINES = 3


def code_blocks(nodes: list[Node]) -> list[Block]:
    """Return the functions and classes among the nodes around a place, outermost first."""
    nodes = _with_marked(nodes)
    blocks: list[Block] = []
    for index, node in enumerate(nodes):
        block = _block(nodes, index)
        if block is None or (blocks and blocks[-1].span == block.span and node.type in ANONYMOUS):
            continue
        blocks.append(block)
    return blocks


def import_lines(root: Node) -> list[int]:
    """Return the numbers of the lines that import names, in order."""
    lines: list[int] = []
    for node in _top_level(root):
        if node.type in IMPORTS or (len(text_of(node)) < 110 and _REQUIRE.match(text_of(node))):
            first, last = span_of(node)
            lines.extend(range(first, last + 1))
    return sorted(set(lines))


def _top_level(root: Node) -> list[Node]:
    """Return the statements of a file; those in one enclosing namespace too."""
    found = list(root.named_children)
    for node in root.named_children:
        if node.type in ("namespace_declaration", "namespace_definition", "file_scoped_namespace_declaration"):
            body = node.child_by_field_name("body")
            found.extend(body.named_children if body else node.named_children)
    return found


def _with_marked(nodes: list[Node]) -> list[Node]:
    """Return the nodes, those of a decorator exchanged for the definition that it stands above."""
    at = next((index for index, node in enumerate(nodes) if node.type in _MARKS), None)
    if at is None:
        return nodes
    after = nodes[at].next_named_sibling
    while after is not None and after.type in _MARKS | {"comment", "line_comment"}:
        after = after.next_named_sibling
    return [*nodes[:at], *([after] if after is not None else [])]


def _block(nodes: list[Node], index: int) -> Block | None:
    node = nodes[index]
    outer = _wrapped(nodes, index)
    if node.type == "property_declaration" and any(one.type in FUNCTIONS | ANONYMOUS for one in nodes[:index]):
        return None  # Kotlin's and Swift's local variables
    if node.type in FUNCTIONS:
        return _make(node, outer, _name(node), Kind.UNIT)
    if node.type in CLASSES:
        return _make(node, outer, _name(node), Kind.CONTAINER)
    if node.type in ANONYMOUS and _is_function(nodes, index):
        first, last = span_of(outer)
        if last - first + 1 >= _MIN_ANONYMOUS_LINES:
            return _make(node, outer, _call_name(outer), Kind.UNIT)
    return None


def _is_function(nodes: list[Node], index: int) -> bool:
    """Tell a block that is an argument (Ruby, Kotlin, Groovy) from one that is a function's body."""
    node = nodes[index]
    if node.type not in ("block", "do_block"):
        return True
    return index > 0 and nodes[index - 1].type in ("call", "method_call", "command_call", "command")


def _wrapped(nodes: list[Node], index: int) -> Node:
    """Return the whole statement a definition stands in: its decorators, its export, the call it is given to."""
    outer = nodes[index]
    for parent in reversed(nodes[:index]):
        if parent.type not in _WRAPPERS:
            break
        outer = parent
    return outer


def _make(node: Node, outer: Node, name: str, kind: Kind) -> Block:
    first, last = span_of(outer)
    above = outer.prev_named_sibling
    while above is not None and above.type in _MARKS:
        first, above = span_of(above)[0], above.prev_named_sibling
    return Block(span=(first, last), name=name, kind=kind, signature=(first, _signature_end(node, (first, last))))


def _signature_end(node: Node, span: Span) -> int:
    body = _body(node)
    if body is None:
        return span[0]
    row = body.start_point[0] + 1
    same_line = row == node.start_point[0] + 1 or (body.text or b"")[:1] == b"{"
    return max(span[0], min(row if same_line else row - 1, span[0] + _MAX_SIGNATURE - 1, span[1]))


def _body(node: Node) -> Node | None:
    if (body := node.child_by_field_name("body")) is not None:
        return body
    return next((child for child in node.named_children if child.type in _BODIES), None)


def _name(node: Node) -> str:
    named = node.child_by_field_name("name") or node.child_by_field_name("declarator")
    for _ in range(6):
        if named is None or named.type in _NAMES:
            break
        inner = named.child_by_field_name("declarator") or named.child_by_field_name("name")
        if inner is None:
            break
        named = inner
    if named is None and node.type == "type_declaration" and node.named_children:
        named = node.named_children[0].child_by_field_name("name")
    if named is None:
        named = next((child for child in node.named_children if child.type in _NAMES | {"type", "user_type"}), None)
    return text_of(named) if named is not None else node.type


def _call_name(outer: Node) -> str:
    """Name an anonymous function by the statement it stands in, up to its own text: `app.get('/x'`."""
    start = text_of(outer)
    return re.split(r"\s*(?:=>|\{|\bdo\b|\bfunction\b|,\s*(?:async\b|\())", start, maxsplit=1)[0].strip(" =(")
