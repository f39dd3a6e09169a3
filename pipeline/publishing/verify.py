"""Does a release hold together: its files, its stages from finding to card, its bill, its signature. No network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from config.errors import InputRefused
from pipeline.publishing import signing
from pipeline.publishing.interface import SIGNATURE
from pipeline.publishing.lineage import APART, BOM, LINEAGE, bill
from pipeline.records import Record
from pipeline.stage import digest_file, digest_of

IGNORED = (".git", ".cache", ".gitattributes")
RESULTS = "results.json"


class Check(Record):
    """One thing that was looked at. `left out`: it couldn't be looked at, and why."""

    name: str
    state: Literal["holds", "broken", "left out"]
    detail: str


def verify(folder: Path, public_key: Path | None = None) -> list[Check]:
    """Check a release's folder, or one repository's; raise InputRefused when it isn't one."""
    try:
        record = msgspec.json.decode((folder / LINEAGE).read_bytes())
        record["files"], record["stages"], record["parts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputRefused(f"{folder} holds no release: {LINEAGE} can't be read.", "Name its folder.") from error
    checks = [_files(folder, record), _stages(record)]
    for part in [record["part"]] if "part" in record else record["parts"]:
        place = folder if "part" in record else folder / part
        checks += _part(place, part, record, public_key)
    return checks


def _files(folder: Path, record: Mapping[str, Any]) -> Check:
    """Every file that was released is there with its bytes, and no other."""
    start = f"{record['part']}/" if "part" in record else ""
    meant = {name.removeprefix(start): one["sha256"] for name, one in record["files"].items() if name.startswith(start)}
    there = dict(_there(folder))
    changed = sorted(name for name in meant if name in there and digest_file(there[name]) != meant[name])
    missing, more = sorted(set(meant) - set(there)), sorted(set(there) - set(meant))
    for word, names in (("changed", changed), ("missing", missing), ("not of this release", more)):
        if names:
            return Check(name="files", state="broken", detail=f"{word}: {', '.join(names[:5])}")
    return Check(name="files", state="holds", detail=f"{len(meant)} files have the recorded SHA-256")


def _there(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and path.name not in APART and not set(name.parts) & set(IGNORED):
            yield name.as_posix(), path


def _stages(record: Mapping[str, Any]) -> Check:
    """Every stage stands on what the stage before made: from the findings to the figures."""
    stages = record["stages"]
    for name, stage in stages.items():
        for other, digest in stage["inputs"].items():
            if other not in stages or digest_of(dict(sorted(stages[other]["outputs"].items()))) != digest:
                return Check(name="stages", state="broken", detail=f"{name} doesn't stand on this {other}")
    return Check(name="stages", state="holds", detail=" → ".join(_in_order(stages)))


def _in_order(stages: Mapping[str, Any]) -> list[str]:
    order: list[str] = []
    while len(order) < len(stages):
        ready = [name for name in stages if name not in order and set(stages[name]["inputs"]) <= set(order)]
        if not ready:
            break
        order += sorted(ready)
    return order


def _part(place: Path, part: str, record: Mapping[str, Any], public_key: Path | None) -> list[Check]:
    origin, materials = _adapter(part, record), _bill(place, part, record)
    return [origin, materials, *_card(place, part), _signature(place, part, public_key)]


def _adapter(part: str, record: Mapping[str, Any]) -> Check:
    """The adapter is the one its training stage made; the data set's description the one that was assembled."""
    stage, made, file = (
        ("assemble", "dataset/dataset_info.json", "dataset_info.json") if part == "dataset"
        else (f"train-{part}", "model/adapters.safetensors", "adapters.safetensors")
    )  # fmt: skip
    meant = record["stages"].get(stage, {}).get("outputs", {}).get(made)
    found = record["files"].get(f"{part}/{file}", {}).get("sha256")
    if meant is None or meant != found:
        return Check(name=f"{part}: origin", state="broken", detail=f"{file} isn't what stage {stage} made")
    return Check(name=f"{part}: origin", state="holds", detail=f"{file} is what stage {stage} made")


def _bill(place: Path, part: str, record: Mapping[str, Any]) -> Check:
    try:
        found = msgspec.json.decode((place / BOM).read_bytes())
    except (OSError, msgspec.DecodeError):
        return Check(name=f"{part}: bill of materials", state="broken", detail=f"{BOM} can't be read")
    same = found == msgspec.to_builtins(bill(record))
    detail = "says what the lineage says" if same else "differs from the lineage"
    return Check(name=f"{part}: bill of materials", state="holds" if same else "broken", detail=detail)


def _card(place: Path, part: str) -> Iterator[Check]:
    """Every figure of the card's model-index stands in the results it was made from."""
    if part == "dataset":
        return
    from huggingface_hub import ModelCard

    card = ModelCard.load(place / "README.md")
    rows = msgspec.json.decode((place / RESULTS).read_bytes())["rows"]
    measured = {
        (name, round(metric["value"], 4))
        for row in rows
        for name, metric in row["metrics"].items()
        if metric.get("value") is not None
    }
    strange = [
        one.metric_type for one in card.data.eval_results or () if (one.metric_type, one.metric_value) not in measured
    ]
    detail = f"not measured: {', '.join(strange)}" if strange else "every figure stands in results.json"
    yield Check(name=f"{part}: card", state="broken" if strange else "holds", detail=detail)


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
