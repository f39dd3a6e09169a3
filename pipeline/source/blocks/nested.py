"""Blocks of nested data: YAML, JSON, TOML, XML, HCL and Puppet, with the keys that lead to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.source.blocks.dialect import opening_lines, unit_of
from pipeline.source.blocks.interface import Block, Kind
from pipeline.source.blocks.parsing import span_of, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

LANGUAGES = frozenset({"yaml", "json", "toml", "xml", "hcl", "puppet", "terraform", "bicep"})
_ENTRIES = frozenset({
    "block_mapping_pair", "block_sequence_item", "flow_pair", "document",  # YAML; XML's and JSON's root too
    "pair", "table", "table_array_element", "element", "block", "attribute",
    "class_definition", "defined_resource_type", "node_definition", "resource_declaration",  # Puppet
    "module_declaration", "parameter_declaration",  # Bicep
})  # fmt: skip
_KEYWORDS = {"class_definition": "class", "defined_resource_type": "define", "node_definition": "node"}
ITEM = "-"
DOCUMENT = "---"


@dataclass(frozen=True, slots=True)
class Entry:
    """A keyed piece of data: its key, `-` for an item of a list, `---` for a document."""

    node: Node
    key: str


def nested_blocks(language: str, path: str, nodes: list[Node], root: Node) -> list[Block]:
    """Return the entries around a place, outermost first, the dialect's unit among them."""
    entries = [entry for node in nodes if (entry := _entry(language, node)) is not None]
    if not entries:
        return []
    keys, top = [entry.key for entry in entries], _top_keys(entries, root)
    unit = unit_of(language, path, keys, top)
    blocks = [_block(entry, index, unit) for index, entry in enumerate(entries)]
    if keys[0] == DOCUMENT:
        blocks[0] = _with_opening(blocks, opening_lines(language, path, top))
    return blocks


def _block(entry: Entry, index: int, unit: int) -> Block:
    span = span_of(entry.node)
    kind = Kind.CONTAINER if index < unit else Kind.UNIT if index == unit else Kind.PART
    name = "" if entry.key == DOCUMENT else entry.key
    return Block(span=span, name=name, kind=kind, signature=(span[0], span[0]))


def _with_opening(blocks: list[Block], count: int) -> Block:
    """Give a document the first `count` lines as its signature, not past the entry shown."""
    first = blocks[0].span[0]
    before = blocks[1].span[0] - 1 if len(blocks) > 1 else blocks[0].span[1]
    return replace(blocks[0], signature=(first, min(first + count - 1, before)))


def _entry(language: str, node: Node) -> Entry | None:
    if language == "puppet" and node.type == "hash" and node.parent is not None and node.parent.type == "block":
        return Entry(node, text_of(node).strip("{ '\"").partition(":")[0].rstrip(" '\""))  # class { 'a': … }
    if node.type not in _ENTRIES:
        return _item_of_array(language, node)
    if node.type == "document":
        return Entry(node, DOCUMENT) if language == "yaml" else None
    if node.type == "block_sequence_item":
        return Entry(node, ITEM)
    if language == "puppet" and node.type == "block":
        return None
    return Entry(node, _key(node))


def _item_of_array(language: str, node: Node) -> Entry | None:
    if language == "json" and node.type == "object" and node.parent is not None and node.parent.type == "array":
        return Entry(node, ITEM)
    return None


def _key(node: Node) -> str:
    if node.type in ("block", "resource_declaration", "class_definition", "defined_resource_type", "node_definition"):
        return _labels(node)
    if node.type == "element":
        tag = node.named_children[0] if node.named_children else None
        return text_of(tag.named_children[0]) if tag is not None and tag.named_children else "element"
    key = node.child_by_field_name("key") or (node.named_children[0] if node.named_children else None)
    return text_of(key).strip("\"'") if key is not None else node.type


def _labels(node: Node) -> str:
    """Return a block's type and labels: `resource aws_s3_bucket.logs`, `file /etc/passwd`."""
    words = [
        text_of(child).strip("\"'") for child in node.named_children if child.type in ("identifier", "string_lit",
        "string", "class_identifier", "symbolic_name")
    ]  # fmt: skip
    if node.type in _KEYWORDS:
        words.insert(0, _KEYWORDS[node.type])
    return " ".join([*words[:1], ".".join(words[1:])]).strip() or node.type


def _top_keys(entries: list[Entry], root: Node) -> frozenset[str]:
    """Return the keys at the top of the document the entries are in."""
    start = entries[0].node if entries[0].key == DOCUMENT else root
    waiting, keys = [start], set()
    for _ in range(2000):
        if not waiting:
            break
        node = waiting.pop(0)
        if node.type in ("block_mapping_pair", "pair", "flow_pair", "table"):
            keys.add(_key(node))
        elif node.type in ("stream", "document", "block_node", "block_mapping", "flow_node", "flow_mapping", "object"):
            waiting.extend(node.named_children)
    return frozenset(keys)
