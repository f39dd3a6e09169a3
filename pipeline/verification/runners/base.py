"""What most runners share: files by suffix, nothing to prepare, no broken files in the report."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any


class FileRunner:
    """A scanner that reads files whose names match `patterns`; a subclass gives command and names."""

    name: str
    scanners: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    needs_rules = False
    patterns: tuple[str, ...] = ("*",)

    def reads(self, path: str) -> bool:
        """Tell whether the scanner looks at such a file at all."""
        name = path.rpartition("/")[2].lower()
        return any(fnmatch(name, pattern) or fnmatch(path, pattern) for pattern in self.patterns)

    def prepare(self, folder: Path) -> None:
        """Leave the batch's root as it is."""

    def environment(self) -> dict[str, str]:
        """Return no further variables."""
        return {}

    def broken(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield nothing: the scanner doesn't name files it could not read."""
        yield from ()


INFRASTRUCTURE = (
    "*.tf", "*.tf.json", "*.tfvars", "*.yaml", "*.yml", "*.json", "*.template", "dockerfile", "dockerfile.*",
    "*.dockerfile",     "containerfile", "*.bicep", "*.hcl",
)  # fmt: skip
