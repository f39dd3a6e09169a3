"""What a data set asks to be trained: one adapter, or an analysis specialist and a code-fix one after it."""

from __future__ import annotations

import codecs
import hashlib
from pathlib import Path

import msgspec

from config.errors import InputRefused
from pipeline.training import files
from pipeline.training.conversations import conversations

KINDS = ("analysis", "codefix")
HELD_OUT = 0.1
_FEWEST = 10


class Part(msgspec.Struct, frozen=True):
    """One training: its name (empty when it is the only one), its files, and the part it goes on from."""

    name: str
    train: Path
    valid: Path
    after: Part | None = None


def parts(dataset: Path, work: Path, sequential: bool) -> tuple[Part, ...]:
    """Return the trainings that `dataset` asks for, in order; files made for them go to `work`.

    It is a data set of fixsmith's (folders `analysis` and `codefix`), a folder with `train.jsonl`
    and perhaps `valid.jsonl`, or one JSONL file of conversations. Raises `InputRefused`.
    """
    if (dataset / "analysis" / "train.jsonl").is_file():
        return _specialists(dataset, work, sequential)
    if (dataset / "train.jsonl").is_file() and (dataset / "valid.jsonl").is_file():
        return (Part("", dataset / "train.jsonl", dataset / "valid.jsonl"),)
    source = dataset / "train.jsonl" if dataset.is_dir() else dataset
    if not source.is_file():
        raise InputRefused(
            f"There is no data set in {dataset}.",
            "Name a data set folder, a folder with train.jsonl, or a JSONL file of conversations.",
        )
    return (hold_out(source, work),)


def _specialists(dataset: Path, work: Path, sequential: bool) -> tuple[Part, ...]:
    folder = dataset / "analysis"
    analysis = Part("analysis", folder / "train.jsonl", folder / "valid.jsonl")
    fixes = dataset / "codefix" / "train.jsonl"
    if not fixes.is_file() or not fixes.stat().st_size:
        return (analysis,)
    if not sequential:
        return (mixed(dataset, work),)
    return (analysis, Part("codefix", fixes, fixes.with_name("valid.jsonl"), analysis))


def mixed(dataset: Path, work: Path) -> Part:
    """Return one training on both kinds of example; its files are written to `work`."""
    work.mkdir(parents=True, exist_ok=True)
    for name in ("train", "valid"):
        both = [(dataset / kind / f"{name}.jsonl").read_bytes().rstrip() for kind in KINDS]
        files.write(work / f"{name}.jsonl", b"".join(part + b"\n" for part in both if part))
    return Part("", work / "train.jsonl", work / "valid.jsonl")


def hold_out(source: Path, work: Path) -> Part:
    """Return the training on nine tenths of `source`, the rest held out for validation.

    Which ones is decided by their content, so equal examples stay together. Of fewer than ten
    examples none is held out. In both files a line keeps its number, by which messages name it. Raises
    `InputRefused` with the line that is no conversation.
    """
    if not sum(1 for _ in conversations(source)):
        raise InputRefused(f"{source} holds no conversation.", "Add some, one a line.")
    lines = [line.strip() + b"\n" for line in source.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")]
    ranked = sorted(set(lines) - {b"\n"}, key=lambda line: hashlib.sha256(line).digest())
    held_out = set(ranked[: round(len(ranked) * HELD_OUT)] if len(ranked) >= _FEWEST else ())
    work.mkdir(parents=True, exist_ok=True)
    _write(work / "train.jsonl", [b"\n" if line in held_out else line for line in lines])
    _write(work / "valid.jsonl", [line if line in held_out else b"\n" for line in lines])
    return Part("", work / "train.jsonl", work / "valid.jsonl")


def _write(path: Path, lines: list[bytes]) -> None:
    """Write lines without the empty ones at the end: a file without any conversation is empty."""
    content = b"".join(lines).rstrip()
    files.write(path, content + b"\n" if content else b"")
