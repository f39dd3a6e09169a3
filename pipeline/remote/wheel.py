"""The worker as a wheel of its own, its dependencies pinned: for machines it is installed on by hand or in an image.

Not an extra of fixsmith: the two can't share an environment, for they need different versions of huggingface-hub.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from pipeline.remote import bundle
from pipeline.remote.package import CARRIERS

NAME = "fixsmith-worker"
RAY = "ray[default,train]==2.60.0"
_WHEEL = b"Wheel-Version: 1.0\nGenerator: fixsmith\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build(folder: Path, version: str) -> Path:
    """Write `fixsmith_worker-VERSION-py3-none-any.whl` into `folder` and return it; extras `quantize` and `ray`."""
    inside = f"{NAME.replace('-', '_')}-{version}"
    contents = bundle.modules(CARRIERS) | {
        f"{inside}.dist-info/METADATA": _metadata(version).encode(),
        f"{inside}.dist-info/WHEEL": _WHEEL,
    }
    record = f"{inside}.dist-info/RECORD"
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(contents.items())]
    contents[record] = "\n".join([*lines, f"{record},,"]).encode() + b"\n"
    return bundle.write(folder / f"{inside}-py3-none-any.whl", contents)


def _metadata(version: str) -> str:
    extras = {"quantize": _pins(bundle.REQUIREMENTS[1]), "ray": [RAY]}
    needed = [f"Requires-Dist: {pin}" for pin in _pins(bundle.REQUIREMENTS[0])]
    for extra, pins in extras.items():
        needed += [f"Provides-Extra: {extra}", *(f"Requires-Dist: {pin}; extra == '{extra}'" for pin in pins)]
    head = [
        "Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {version}", "License: Apache-2.0",
        "Summary: Trains adapters on a CUDA machine from one JSON spec", "Requires-Python: >=3.11,<3.14",
    ]  # fmt: skip
    return "\n".join([*head, *needed]) + "\n"


def _pins(name: str) -> list[str]:
    lines = (line.strip() for line in bundle.requirements(name).splitlines())
    return [line for line in lines if line and not line.startswith(("-", "#"))]


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
