"""The stage that makes the data sets: examples, duplicates removed, split by cluster, audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from config.errors import NothingToLearn
from config.settings import Dataset, Settings
from pipeline.dataset.balance import limited
from pipeline.dataset.clusters import cluster
from pipeline.dataset.examples import Material, accepted, examples, materials, unshown
from pipeline.dataset.information import information
from pipeline.dataset.leaks import without_held_out_fixes
from pipeline.dataset.split import PARTS, split
from pipeline.dataset.teacher.lessons import taught, teacher_of
from pipeline.evaluation.canaries import CANARIES, plant
from pipeline.findings.redaction import Redactor, load_key
from pipeline.fixes.verified import verified_fixes
from pipeline.records import Example, Excerpt, Finding, Passage, Retrieved
from pipeline.stage import Context, Progress, Request, read_records, write_atomically, write_records

KINDS = ("analysis", "codefix")


class Assemble:
    """Stage `assemble`: `dataset/{analysis,codefix}/{train,valid,test}.jsonl` and `dataset_info.json`."""

    name = "assemble"
    needs = ("parse", "locate", "mine", "verify", "retrieve")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the data set's settings, and whether this is a quick test."""
        characters = settings.knowledge.characters
        return {
            "dataset": settings.dataset,
            "quick_test": request.quick_test,
            "characters": characters,
            "mined": request.mined_digest,
            "teacher": settings.teacher,
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Build, deduplicate, split and write; raise NothingToLearn when there is nothing."""
        dropped: Counter[str] = Counter()
        known = read_materials(context.inputs, context.settings.knowledge.characters, context.request.mined)
        made = _of_domains(_made(known, dropped), context.settings.dataset.domains, dropped)
        made = limited(_distinct(made, dropped), context.settings.dataset, dropped)
        if not made:
            of = " of " + ", ".join(context.settings.dataset.domains) if context.settings.dataset.domains else ""
            but = " but those they accept" if dropped["accepted in its report"] else ""
            raise NothingToLearn(
                f"The reports hold no findings{of}{but}, so there is nothing to learn from.", "Check --artifacts-dir."
            )
        made, parts = _few(made, _split(made, context.settings), context, dropped)
        made = without_held_out_fixes(made, parts, known, context.settings.knowledge.characters, dropped)
        made = _taught(made, context, dropped)
        folder = context.folder / "dataset"
        counts: dict[str, Any] = {}
        for kind in KINDS:
            for part in PARTS:
                chosen = [
                    example for (of, example), where in zip(made, parts, strict=True) if (of, where) == (kind, part)
                ]
                if (kind, part) == ("analysis", "train"):
                    chosen += _planted(folder, context.settings.dataset)
                counts[f"{kind}.{part}"] = write_records(folder / kind / f"{part}.jsonl", chosen)
        info = information(made, parts, dropped, context)
        write_atomically(
            folder / "dataset_info.json",
            msgspec.json.format(msgspec.json.encode(info, order="sorted")) + b"\n",
        )
        _warn(counts, context)
        return counts | {"dropped": dict(sorted(dropped.items()))}


def _planted(folder: Path, settings: Dataset) -> list[Example]:
    """Return the canaries to be trained on, copies and all; what was planted is written beside the data set."""
    planted = plant(settings.seed, settings.canaries)
    if planted:
        write_records(folder / CANARIES, planted)
    return planted * settings.canary_copies


def read_materials(inputs: Mapping[str, Path], characters: int, mined: str | None = None) -> list[Material]:
    """Read what the stages before wrote and join it by fingerprint, earlier findings that are gone included.

    `mined` is a folder of fixes from past commits; what the scans know already comes from them.
    """
    current = list(read_records(inputs["parse"] / "findings.jsonl", Finding))
    earlier = list(_optional(inputs["parse"] / "earlier.jsonl", Finding))
    past = Path(mined) if mined else None
    older = list(read_records(past / "findings.jsonl", Finding)) if past else []
    findings = {one.fingerprint: one for one in (*older, *earlier, *current)}
    known = {one.fingerprint for one in (*earlier, *current)}
    excerpts = _by_fingerprint(read_records(past / "excerpts.jsonl", Excerpt)) if past else {}
    excerpts |= _by_fingerprint(_optional(inputs["locate"] / "earlier-excerpts.jsonl", Excerpt))
    excerpts |= _by_fingerprint(_optional(inputs["locate"] / "excerpts.jsonl", Excerpt))
    fixes = {name: found for name, found in verified_fixes(past, past).items() if name not in known} if past else {}
    fixes |= verified_fixes(inputs["mine"], inputs["verify"])
    return materials([one for _, one in sorted(findings.items())], excerpts, _passages(inputs), fixes, characters)


def _passages(inputs: Mapping[str, Path]) -> dict[str, tuple[Passage, ...]]:
    found = read_records(inputs["retrieve"] / "passages.jsonl", Retrieved)
    return {record.fingerprint: record.passages for record in found}


def _optional(path: Path, kind: Any) -> Iterable[Any]:
    return read_records(path, kind) if path.exists() else ()


def _by_fingerprint(records: Iterable[Any]) -> dict[str, Any]:
    return {record.fingerprint: record for record in records}


def _made(known: list[Material], dropped: Counter[str]) -> list[tuple[str, Example]]:
    made: list[tuple[str, Example]] = []
    for material in known:
        if accepted(material):
            dropped["accepted in its report"] += 1
            continue
        before = len(made)
        made += list(examples(material))
        if sum(kind == "codefix" for kind, _ in made[before:]) < len(material.fixes):
            dropped.update(reason for fix, _ in material.fixes if (reason := unshown(material, fix)) is not None)
    return made


def _of_domains(
    made: list[tuple[str, Example]], domains: tuple[str, ...], dropped: Counter[str]
) -> list[tuple[str, Example]]:
    """Keep the examples of the domains asked for; all when none is named."""
    kept = [(kind, example) for kind, example in made if not domains or example.metadata["domain"] in domains]
    if len(kept) < len(made):
        dropped["another domain"] += len(made) - len(kept)
    return kept


def _distinct(made: list[tuple[str, Example]], dropped: Counter[str]) -> list[tuple[str, Example]]:
    """Keep each conversation once, and each change to the code once, whoever found the weakness."""
    seen = set()
    kept = []
    for kind, example in made:
        about = example.metadata
        change = (about["path"], about.get("before"), example.messages[-1]) if kind == "codefix" else example.messages
        if change in seen:
            dropped[f"{kind}: said already"] += 1
            continue
        seen.add(change)
        kept.append((kind, example))
    return kept


def _taught(made: list[tuple[str, Example]], context: Context, dropped: Counter[str]) -> list[tuple[str, Example]]:
    """Let the teacher explain, where one is configured; count what wasn't admitted."""
    teacher = teacher_of(context.settings.teacher)
    if teacher is None:
        return made
    workspace, told = context.folder.parents[2], Counter[str]()
    redact = Redactor(load_key(workspace)).redact
    result = taught(made, teacher, workspace / "cache" / "teacher", redact, told, lambda done, total: context.progress(
        Progress(stage="assemble", message="explanations", done=done, total=total)
    ))  # fmt: skip
    dropped.update(told)
    return result


def _split(made: list[tuple[str, Example]], settings: Settings) -> list[str]:
    """Return each example's part; the cluster is written into its metadata."""
    names = cluster(
        [example.metadata["place"] for _, example in made],
        [example.metadata.pop("code") for _, example in made],
    )
    fractions = settings.dataset
    where = split(
        names,
        [kind == "codefix" for kind, _ in made],
        fractions.valid_fraction,
        fractions.test_fraction,
        fractions.seed,
        [example.metadata.get("made") or "" for _, example in made],
    )
    for name, (_, example) in zip(names, made, strict=True):
        example.metadata["cluster"] = name
        example.metadata["split"] = where[name]
    return [where[name] for name in names]


def _few(
    made: list[tuple[str, Example]], parts: list[str], context: Context, dropped: Counter[str]
) -> tuple[list[tuple[str, Example]], list[str]]:
    """Keep, in a quick test, few examples of each kind to train on and a quarter as many in the other parts."""
    if not context.request.quick_test:
        return made, parts
    most = context.settings.dataset.quick_test_examples
    taken: Counter[tuple[str, str]] = Counter()
    kept = []
    for (kind, example), part in zip(made, parts, strict=True):
        if taken[kind, part] >= (most if part == "train" else max(1, most // 4)):
            dropped[f"{kind}: quick test"] += 1
        else:
            taken[kind, part] += 1
            kept.append(((kind, example), part))
    return [made for made, _ in kept], [part for _, part in kept]


def _warn(counts: dict[str, Any], context: Context) -> None:
    for kind in KINDS:
        if not counts[f"{kind}.train"]:
            context.warn(f"There are no {kind} examples to train on.")
        elif not counts[f"{kind}.test"]:
            context.warn(f"All {kind} examples are near each other, so none could be held out.")
