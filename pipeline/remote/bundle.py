"""What is sent to a worker: one zip of the worker's modules alone, the same bytes each time."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

REQUIREMENTS = ("requirements.txt", "requirements-quantize.txt")
MODULES = (
    "config/__init__.py",
    "config/errors.py",
    "config/sections/__init__.py",
    "config/sections/recipe.py",
    "config/sections/section.py",
    "pipeline/__init__.py",
    "pipeline/disk.py",
    "pipeline/models/__init__.py",
    "pipeline/models/chat.py",
    "pipeline/models/turns.py",
    "pipeline/remote/__init__.py",
    "pipeline/remote/contract.py",
    "pipeline/remote/recipe.py",
    "pipeline/remote/worker",
    "pipeline/training/__init__.py",
    "pipeline/training/conversations.py",
    "pipeline/training/course.py",
    "pipeline/training/data.py",
    "pipeline/training/examples.py",
    "pipeline/training/figures.py",
    "pipeline/training/files.py",
    "pipeline/training/order.py",
    "pipeline/training/packing.py",
)
_LONG_AGO = (2020, 1, 1, 0, 0, 0)


def build(path: Path, extra: tuple[str, ...] = ()) -> Path:
    """Write the worker's zip to `path` and return it: to be put on `PYTHONPATH`.

    It holds `requirements.txt` and `requirements-quantize.txt`, every version pinned. `extra` names more
    modules, or folders of them, as a launcher needs them (`pipeline/remote/ray/driver.py`).
    """
    return write(path, {name: requirements(name).encode() for name in REQUIREMENTS} | modules(extra))


def modules(extra: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Return the worker's modules by path, and those `extra` names."""
    found: dict[str, bytes] = {}
    for name in (*MODULES, *extra):
        found |= _read(_item(name), name)
    return found


def write(path: Path, contents: Mapping[str, bytes]) -> Path:
    """Write a zip of `contents` to `path` and return it: the same bytes for the same contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, contents[name])
    return path


def requirements(name: str = REQUIREMENTS[0]) -> str:
    """Return the worker's own requirements, all pinned."""
    return _item(f"pipeline/remote/worker/{name}").read_text(encoding="utf-8")


def _item(name: str) -> Traversable:
    package, *parts = name.split("/")
    found: Traversable = resources.files(package)
    for part in parts:
        found = found / part
    return found


def _read(item: Traversable, name: str) -> dict[str, bytes]:
    if item.is_file():
        return {name: item.read_bytes()} if name.endswith(".py") else {}
    found: dict[str, bytes] = {}
    for child in item.iterdir():
        if child.name != "__pycache__":
            found |= _read(child, f"{name}/{child.name}")
    return found
