"""The commented sample settings, generated from the types: `python -m config.sample > FILE`."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import Any

import msgspec

from config.settings import Section, Settings

HEADER = """\
# fixsmith settings. Generated from config/sections by `make sample`: every key with its default.
# Environment variables override it: FINE_TUNING_BATCH_SIZE=4, or FIXSMITH_FINE_TUNING_BATCH_SIZE=4.
"""


def sample() -> str:
    """Return the sample: sections, keys, defaults, each under its description."""
    return HEADER + "".join(_section_text(section.name, section.type) for section in msgspec.structs.fields(Settings))


def describe(section: type[Section], key: str) -> str:
    """Return a key's description, from its type's `Meta`."""
    for field in msgspec.inspect.type_info(section).fields:  # type: ignore[attr-defined]
        if field.name == key:
            return _description(field.type)
    raise KeyError(key)


def _description(kind: Any) -> str:
    extra = getattr(kind, "extra_json_schema", None) or {}
    return str(extra.get("description", ""))


def keys(section: type[Section]) -> list[Any]:
    """Return a section's keys as they are shown: its own, then those of the recipe it extends."""
    extended = section.__base__.__struct_fields__  # type: ignore[union-attr]
    return sorted(msgspec.structs.fields(section), key=lambda key: key.name in extended)


def _section_text(name: str, section: type[Section]) -> str:
    lines = ["", f"# {(section.__doc__ or '').strip().splitlines()[0]}", f"{name}:"]
    for key in keys(section):
        lines += [f"  # {line}" for line in textwrap.wrap(describe(section, key.name), 100)]
        lines.append(f"  {key.name}: {scalar(key.default)}")
    return "\n".join(lines) + "\n"


def scalar(value: Any) -> str:
    """Return a default as it stands in the file."""
    if isinstance(value, float) and value and abs(value) < 1e-3:
        mantissa, exponent = f"{value:.10e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return json.dumps(value)


if __name__ == "__main__":
    sys.stdout.write(sample())
