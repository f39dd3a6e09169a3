"""The stage `retrieve`: for every finding, the passages a prompt may show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Knowledge, Settings
from pipeline.fixes.verified import verified_fixes
from pipeline.knowledge.catalogue import VERSION
from pipeline.knowledge.corpus import advisory_keys, entries, rule_key
from pipeline.knowledge.damage import made_again, told
from pipeline.knowledge.embedding import Embedder, embedder
from pipeline.knowledge.interface import Entry
from pipeline.knowledge.memory import Change, KnownFix, KnownFixes, known_fix, remember
from pipeline.knowledge.notes import digest_of_folder
from pipeline.knowledge.query import Query, query_of
from pipeline.knowledge.remembering import Remembering
from pipeline.knowledge.retrieval import Retrieval, Weights
from pipeline.knowledge.rules import cwes_of
from pipeline.knowledge.store import Store
from pipeline.models.cache import cache_folder
from pipeline.records import Excerpt, Finding, Fix, Passage, Retrieved
from pipeline.stage import Context, Progress, Request, read_records, write_records

MAX_CWES = 2
NO_VOTES = 0.5
"""No rules vote for notes and fixes, so that this share of the least score is enough for them."""


class Retrieve:
    """Builds the index from the run's own reports, its fixes and what is known anyway; asks it for each finding."""

    name = "retrieve"
    needs: tuple[str, ...] = ("parse", "locate", "mine", "verify")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the knowledge settings, and what the user's notes hold, by digest.

        What earlier runs remembered isn't part of it: a run that is finished stays finished.
        """
        knowledge = settings.knowledge
        return {
            "knowledge": msgspec.structs.replace(knowledge, folder="", fixes=""),
            "catalogue": VERSION,
            "weights": Weights(),
            "folder": digest_of_folder(_path(knowledge.folder)),
            "mined": request.mined_digest,
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Write passages.jsonl, a record for each finding of both snapshots; return counts."""
        knowledge, place = context.settings.knowledge, context.folder.parents[2] / "knowledge"
        findings = _findings(context.inputs["parse"], _past(context))
        ordered = [findings[name] for name in sorted(findings)]
        new = _verified(context, findings)
        fixes = remember(_path(knowledge.fixes) or place / "fixes.jsonl", new)
        counts: dict[str, Any] = {"findings": len(ordered), "fixes": {"of_this_run": len(new), "known": len(fixes)}}
        if not knowledge.enabled:
            write_records(context.folder / "passages.jsonl", [_nothing(finding) for finding in ordered])
            return counts | {"passages": 0, "enabled": False}
        known = Known(fixes, _excerpts(context.inputs["locate"], _past(context)), _changes(context))
        retrieved, kinds = retrieve_all(ordered, place / "index.sqlite", knowledge, known, context)
        write_records(context.folder / "passages.jsonl", retrieved)
        total = sum(len(one.passages) for one in retrieved)
        return counts | {"passages": total, "by_kind": kinds, "without": _without(retrieved)}


class Known(msgspec.Struct, frozen=True):
    """The fixes there are, and by fingerprint the code and the changes by which own answers are told."""

    fixes: Sequence[KnownFix] = ()
    excerpts: Mapping[str, Excerpt] = {}
    changes: Mapping[str, Collection[Change]] = {}


def retrieve_all(
    findings: Sequence[Finding],
    index: Path,
    knowledge: Knowledge,
    known: Known | None = None,
    context: Context | None = None,
) -> tuple[list[Retrieved], dict[str, int]]:
    """Return the passages of each finding, in their order, and how many of each kind; a damaged index is made again."""
    known = known or Known()
    corpus = entries(findings, _path(knowledge.folder), known.fixes)

    def ask() -> tuple[list[Retrieved], dict[str, int]]:
        with told(index), opened_model(knowledge.embedding_model) as model, Store(index, model) as store:
            store.synchronise(corpus, _progress(context, "embedding passages"))
            asker = Asker(store, model, knowledge, KnownFixes(known.fixes, known.excerpts, known.changes))
            return asker.ask_all(findings), dict(sorted(asker.kinds.items()))

    return made_again(ask)


@contextmanager
def opened_model(name: str) -> Iterator[Remembering | None]:
    """Give the embedder called `name`, remembering what it computed; None for `none`."""
    if name == "none":
        yield None
        return
    with closing(Remembering(embedder(name), cache_folder() / "vectors.sqlite")) as model:
        yield model


class Asker:
    """Asks one store about findings; questions that are equal are asked once."""

    def __init__(self, store: Store, model: Embedder | None, knowledge: Knowledge, fixes: KnownFixes) -> None:
        self._store = store
        self._retrieval = Retrieval(store, model)
        self._model = model
        self._knowledge = knowledge
        self._fixes = fixes
        self._answers: dict[bytes, tuple[Entry, ...]] = {}
        self.kinds: Counter[str] = Counter()

    def ask_all(self, findings: Sequence[Finding]) -> list[Retrieved]:
        """Return the passages of each finding, in their order; all questions are embedded together."""
        if self._model is not None:
            self._model.embed([query_of(finding).meaning for finding in findings])
        return [Retrieved(fingerprint=finding.fingerprint, passages=self.ask(finding)) for finding in findings]

    def ask(self, finding: Finding) -> tuple[Passage, ...]:
        """Return a finding's passages: CWE, its rule's help and advisories as looked up, then what is found.

        What is looked up leaves room for one that is found when there is a known fix.
        """
        exact = self._store.lookup(exact_keys(finding))
        found = self._found(finding, guess=not any(entry.group == "cwe" for entry in exact))
        kept = exact[: max(1, self._knowledge.passages - any(entry.group == "fix" for entry in found))]
        kept = kept[: self._knowledge.passages]
        shown = {entry.passage.id for entry in kept}
        room = self._knowledge.passages - len(kept)
        new = [entry for entry in found if entry.passage.id not in shown][:room]
        self.kinds.update(entry.group for entry in kept)
        self.kinds.update(entry.group if entry.group != "cwe" else "cwe, found" for entry in new)
        return (
            *(entry.passage for entry in kept),
            *(msgspec.structs.replace(entry.passage, found=True) for entry in new),
        )

    def _found(self, finding: Finding, guess: bool) -> tuple[Entry, ...]:
        """Return what is like the finding: one verified fix, one note, and CWEs when the report names none.

        What the table says of a rule stands in the place of guessed CWEs.
        """
        query, exclude = query_of(finding), self._fixes.answers(finding)
        fix = self._fixes.of_the_rule(finding, exclude)
        named = cwes_of(finding) if guess else ()
        key = msgspec.msgpack.encode((query, guess, fix, sorted(exclude), named))
        if key not in self._answers:
            first = self._store.lookup([fix]) if fix is not None else []
            known = self._store.lookup([f"cwe:{number}" for number in named[:1]])
            ranked = self._rank(query, guess and not known, exclude, not first)
            self._answers[key] = (*first, *known, *ranked)[: self._knowledge.found]
        return self._answers[key]

    def _rank(self, query: Query, guess: bool, exclude: Collection[str], fix: bool) -> tuple[Entry, ...]:
        features = self._retrieval.features(query, exclude=exclude)
        least = self._knowledge.least_score
        kept: list[Entry] = []
        for group, most, bound in (
            ("fix", int(fix), least * NO_VOTES),
            ("note", 1, least * NO_VOTES),
            ("cwe", self._knowledge.found if guess else 0, least),
        ):
            ranked = self._retrieval.combine(features, most, groups=(group,))
            kept += [one.entry for one in ranked if one.score >= bound]
        return tuple(kept)


def exact_keys(finding: Finding) -> tuple[str, ...]:
    """Return what is looked up for a finding and not searched: its CWEs, its rule, its advisories."""
    cwes = tuple(f"cwe:{number}" for number in finding.rule.cwes[:MAX_CWES])
    return (*cwes, rule_key(finding), *advisory_keys(finding))


def _past(context: Context) -> Path | None:
    """Return the folder of fixes mined from past commits, None when the run was given none."""
    return Path(context.request.mined) if context.request.mined else None


def _findings(parsed: Path, past: Path | None) -> dict[str, Finding]:
    """Return all findings by fingerprint: of the present snapshot, else the earlier one, else of past commits."""
    files = [parsed / "findings.jsonl", parsed / "earlier.jsonl", *([past / "findings.jsonl"] if past else [])]
    return {one.fingerprint: one for path in reversed(files) if path.exists() for one in read_records(path, Finding)}


def _verified(context: Context, findings: Mapping[str, Finding]) -> list[KnownFix]:
    """Return the first verified fix of each finding of this run and of the past commits it was given."""
    past = _past(context)
    verified = verified_fixes(past, past) if past else {}
    verified |= verified_fixes(context.inputs["mine"], context.inputs["verify"])
    return [known_fix(findings[name], fixes[0][0]) for name, fixes in sorted(verified.items()) if name in findings]


def _excerpts(located: Path, past: Path | None) -> dict[str, Excerpt]:
    files = [
        *([past / "excerpts.jsonl"] if past else []),
        located / "earlier-excerpts.jsonl",
        located / "excerpts.jsonl",
    ]
    return {one.fingerprint: one for path in files if path.exists() for one in read_records(path, Excerpt)}


def _changes(context: Context) -> dict[str, list[Change]]:
    changes: dict[str, list[Change]] = defaultdict(list)
    past = _past(context)
    for folder in (context.inputs["mine"], *([past] if past else [])):
        for fix in read_records(folder / "fixes.jsonl", Fix):
            changes[fix.fingerprint].append((fix.before, fix.replacement))
    return changes


def _nothing(finding: Finding) -> Retrieved:
    return Retrieved(fingerprint=finding.fingerprint, passages=())


def _without(retrieved: Sequence[Retrieved]) -> int:
    return sum(not one.passages for one in retrieved)


def _path(setting: str) -> Path | None:
    return Path(setting).expanduser() if setting else None


def _progress(context: Context | None, message: str) -> Any:
    if context is None:
        return None
    return lambda done, total: context.progress(Progress(stage="retrieve", message=message, done=done, total=total))
