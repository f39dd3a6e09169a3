"""The settings as a page of documentation, from the types: `python -m config.table > docs/settings.md`."""

from __future__ import annotations

import sys

import msgspec

from config.load import PREFIX
from config.sample import describe, keys, scalar
from config.settings import Section, Settings, Watched

HEADER = """\
# Settings

Generated from the types in `config/sections`. The file is YAML, a section to a heading below; an unknown key is an
error. Every key can also be given in the environment, where it wins over the file:
`fine_tuning.batch_size` is `FINE_TUNING_BATCH_SIZE` or `FIXSMITH_FINE_TUNING_BATCH_SIZE`, lists and mappings
as YAML in one line. The service reads the file again when it changes, and keeps the old settings when the
change isn't valid (`fixsmith status` says so). Other folders are moved to at once; what waits in the old ones stays.
"""


def table() -> str:
    """Return the page: a heading and a table for each section."""
    parts = [_section(section.name, section.type) for section in msgspec.structs.fields(Settings)]
    return HEADER + "".join(parts) + _section("github.repositories[]", Watched, environment=False)


def _section(name: str, section: type[Section], *, environment: bool = True) -> str:
    title = (section.__doc__ or "").strip().splitlines()[0]
    lines = ["", f"## {name}", "", title, "", "| key | default | what for |", "|---|---|---|"]
    for key in keys(section):
        default = "required" if key.required else f"`{scalar(key.default)}`"
        meaning = describe(section, key.name).replace("|", "\\|")
        variable = f"<br>`{PREFIX}{name.upper()}_{key.name.upper()}`" if environment else ""
        lines.append(f"| `{key.name}`{variable} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
