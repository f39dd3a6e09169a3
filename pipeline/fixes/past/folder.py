"""What mining leaves: a folder of records that `process_artifacts --mined` takes, its manifest last."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from config.errors import InputRefused
from pipeline.fixes.past.mining import Mined
from pipeline.stage import digest_folder, digest_of, synchronise, write_atomically, write_records

STORY = "mined.json"


def write(folder: Path, mined: Mined, about: Mapping[str, Any]) -> None:
    """Replace the folder by what was mined; after a crash there is the old one, the new one or none."""
    temporary = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, records in (
        ("findings.jsonl", mined.findings), ("excerpts.jsonl", mined.excerpts), ("fixes.jsonl", mined.fixes),
        ("verdicts.jsonl", mined.verdicts),
    ):  # fmt: skip
        write_records(temporary / name, records)
        synchronise(temporary / name)
    story = dict(about) | {
        "counts": dict(mined.counts),
        "refused": dict(mined.refused),
        "not_verified": dict(mined.unverified),
    }
    write_atomically(temporary / STORY, msgspec.json.format(msgspec.json.encode(story, order="sorted")) + b"\n")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)


def digest(folder: Path) -> str:
    """Return the digest of a mined folder; raise InputRefused when it isn't a whole one."""
    if not (folder / STORY).is_file():
        raise InputRefused(f"There are no mined fixes in {folder}.", "Make them with `fixsmith findings mine`.")
    return digest_of({name: file.sha256 for name, file in digest_folder(folder).items()})
