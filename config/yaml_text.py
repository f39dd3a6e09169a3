"""YAML as settings are written in it: plain data, every key once, faults by line."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """Loads plain data and refuses a key that stands twice in a mapping, where YAML would keep the last in silence."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Return a node's value; raises ConstructorError for one that its own tag can't take, as 2026-02-30."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            what = " ".join(str(error).split())[:100]
            raise yaml.constructor.ConstructorError(
                None, None, f"a value can't be read ({what})", node.start_mark
            ) from error

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping; raises ConstructorError for a key that is there already."""
        seen: set[Any] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"'{key.value}' is there already", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    """Return what a text holds; raises yaml.YAMLError or RecursionError."""
    return yaml.load(text, Loader)  # noqa: S506 -- a SafeLoader


def fault(error: Exception) -> str:
    """Return in one line what is wrong with a text, and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())[:200]
    what = getattr(error, "problem", None) or getattr(error, "context", None) or "it can't be read"
    return f"{what} (line {mark.line + 1}, column {mark.column + 1})"
