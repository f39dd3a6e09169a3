"""Does a release hold together: its files, its stages from finding to card, its bill, its signature. No network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from config.errors import InputRefused
from pipeline.publishing import signing
from pipeline.publishing.interface import SIGNATURE
from pipeline.publishing.lineage import APART, BOM, LINEAGE, bill, encode
from pipeline.records import Record
from pipeline.stage import FileDigest, digest_file, digest_of

IGNORED = (".git", ".cache", ".gitattributes")
"""What git and the Hub's client put beside a repository's files."""
RESULTS = "results.json"
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class Check(Record):
    """One thing that was looked at. `left out`: it couldn't be looked at, and why."""

    name: str
    state: Literal["holds", "broken", "left out"]
    detail: str


class Made(msgspec.Struct, frozen=True):
    """A stage as the lineage has it: what it stood on (stage → digest), what it made (file → SHA-256)."""

    inputs: dict[str, str]
    outputs: dict[str, str]


class Story(msgspec.Struct, frozen=True):
    """What of a lineage is checked; `part` where it is one repository's."""

    files: dict[str, FileDigest]
    stages: dict[str, Made]
    parts: tuple[Literal["analysis", "codefix", "single", "dataset"], ...]
    part: Literal["analysis", "codefix", "single", "dataset"] | None = None


def verify(folder: Path, public_key: Path | None = None) -> list[Check]:
    """Check a release's folder, or one repository's; raise InputRefused when it isn't one."""
    try:
        whole = (folder / LINEAGE).read_bytes()
        record = msgspec.json.decode(whole)
        story = msgspec.convert(record, Story)
    except (OSError, ValueError) as error:
        raise InputRefused(f"{folder} holds no release: {LINEAGE} can't be read.", "Name its folder.") from error
    checks = [_files(folder, story), _stages(story.stages)]
    for part in [story.part] if story.part else story.parts:
        place = folder if story.part else folder / part
        if not story.part:
            checks.append(_own_lineage(place, part, record, whole))
        checks += [_adapter(part, story), _bill(place, part, record), *_card(place, part)]
        checks.append(_signature(place, part, public_key))
    return checks


def _files(folder: Path, story: Story) -> Check:
    """Every file that was released is there with its bytes, and no other."""
    start = f"{story.part}/" if story.part else ""
    meant = {name.removeprefix(start): one.sha256 for name, one in story.files.items() if name.startswith(start)}
    there = dict(_there(folder, [""] if story.part else [f"{part}/" for part in story.parts]))
    if not story.part:
        del there[LINEAGE]
    changed = sorted(name for name in meant if name in there and _digest(there[name]) != meant[name])
    missing, more = sorted(set(meant) - set(there)), sorted(set(there) - set(meant))
    for word, names in (("changed", changed), ("missing", missing), ("not of this release", more)):
        if names:
            return Check(name="files", state="broken", detail=f"{word}: {', '.join(names[:5])}")
    return Check(name="files", state="holds", detail=f"{len(meant)} files have the recorded SHA-256")


def _there(folder: Path, tops: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield everything but folders, links included; `tops` are where a repository begins."""
    apart = {f"{top}{name}" for top in tops for name in APART}
    ignored = {f"{top}{name}" for top in tops for name in IGNORED}
    for place, folders, files in os.walk(folder):
        inside = "" if Path(place) == folder else f"{Path(place).relative_to(folder).as_posix()}/"
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if f"{inside}{name}" not in ignored]
        for name in (*files, *links):
            if f"{inside}{name}" not in apart | ignored:
                yield f"{inside}{name}", Path(place) / name


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except OSError:
        return ""


def _own_lineage(place: Path, part: str, record: Mapping[str, Any], whole: bytes) -> Check:
    """A repository's lineage is the release's, byte for byte."""
    try:
        same = whole == encode(record) and (place / LINEAGE).read_bytes() == encode({**record, "part": part})
    except OSError:
        same = False
    detail = "it is the release's" if same else f"{part}/{LINEAGE} isn't the release's"
    return Check(name=f"{part}: lineage", state="holds" if same else "broken", detail=detail)


def _stages(stages: Mapping[str, Made]) -> Check:
    """Every stage stands on what the stage before made: from the findings to the figures."""
    for name, stage in stages.items():
        for other, digest in stage.inputs.items():
            if other not in stages or digest_of(dict(sorted(stages[other].outputs.items()))) != digest:
                return Check(name="stages", state="broken", detail=f"{name} doesn't stand on this {other}")
    return Check(name="stages", state="holds", detail=" → ".join(_in_order(stages)))


def _in_order(stages: Mapping[str, Made]) -> list[str]:
    order: list[str] = []
    while len(order) < len(stages):
        ready = [name for name in stages if name not in order and set(stages[name].inputs) <= set(order)]
        if not ready:
            break
        order += sorted(ready)
    return order


def _adapter(part: str, story: Story) -> Check:
    """The adapter is the one its training stage made; the data set's description the one that was assembled."""
    stage, made, file = (
        ("assemble", "dataset/dataset_info.json", "dataset_info.json") if part == "dataset"
        else (f"train-{part}", "model/adapters.safetensors", "adapters.safetensors")
    )  # fmt: skip
    meant = story.stages[stage].outputs.get(made) if stage in story.stages else None
    found = story.files.get(f"{part}/{file}")
    if meant is None or found is None or meant != found.sha256:
        return Check(name=f"{part}: origin", state="broken", detail=f"{file} isn't what stage {stage} made")
    return Check(name=f"{part}: origin", state="holds", detail=f"{file} is what stage {stage} made")


def _bill(place: Path, part: str, record: Mapping[str, Any]) -> Check:
    """The bill is the lineage's, byte for byte, and the lineage the one it was made from."""
    name = f"{part}: bill of materials"
    try:
        found, story = (place / BOM).read_bytes(), (place / LINEAGE).read_bytes()
        same = found == encode(bill(record, hashlib.sha256(story).hexdigest()))
    except (OSError, *MALFORMED):
        return Check(name=name, state="broken", detail=f"{BOM} can't be read, or not be made from the lineage")
    detail = "says what the lineage says" if same else f"{BOM} isn't this {LINEAGE}'s: one of them was changed"
    return Check(name=name, state="holds" if same else "broken", detail=detail)


def _card(place: Path, part: str) -> Iterator[Check]:
    """Every figure of the card's model-index stands in the results it was made from."""
    if part == "dataset":
        return
    try:
        strange = _not_measured(place)
    except (OSError, *MALFORMED):
        yield Check(name=f"{part}: card", state="broken", detail=f"README.md or {RESULTS} can't be read")
        return
    detail = f"not measured: {', '.join(strange)}" if strange else f"every figure stands in {RESULTS}"
    yield Check(name=f"{part}: card", state="broken" if strange else "holds", detail=detail)


def _not_measured(place: Path) -> list[str]:
    """Return the card's figures that no row of the results holds; raise OSError or one of MALFORMED."""
    import yaml
    from huggingface_hub import ModelCard

    try:
        card = ModelCard((place / "README.md").read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError("no metadata") from error
    measured = {
        (name, round(metric["value"], 4))
        for row in msgspec.json.decode((place / RESULTS).read_bytes())["rows"]
        for name, metric in row["metrics"].items()
        if metric.get("value") is not None
    }
    results = card.data.eval_results or ()
    return [one.metric_type for one in results if (one.metric_type, one.metric_value) not in measured]


def _signature(place: Path, part: str, public_key: Path | None) -> Check:
    name = f"{part}: signature"
    if not (place / SIGNATURE).is_file():
        if public_key is None:
            return Check(name=name, state="left out", detail="it isn't signed")
        return Check(name=name, state="broken", detail="it isn't signed, and a key was given")
    if public_key is None:
        return Check(name=name, state="left out", detail="give the signer's key with --public-key")
    wrong = signing.check(place, public_key)
    return Check(name=name, state="broken" if wrong else "holds", detail=wrong or f"made with {public_key.name}'s key")
