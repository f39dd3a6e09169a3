"""The stage `retrieve`: for every finding, the passages a prompt may show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Knowledge, Settings
from pipeline.knowledge.catalogue import VERSION
from pipeline.knowledge.corpus import advisory_keys, digest_of_folder, entries, rule_key
from pipeline.knowledge.embedding import Embedder, embedder
from pipeline.knowledge.query import Query, query_of
from pipeline.knowledge.remembering import Remembering
from pipeline.knowledge.retrieval import Retrieval, Weights
from pipeline.knowledge.store import Store
from pipeline.models.cache import cache_folder
from pipeline.records import Finding, Passage, Retrieved
from pipeline.stage import Context, Progress, Request, digest_file, read_records, write_records

MAX_CWES = 2
NO_VOTES = 0.5
"""No rules vote for notes and fixes, so that this share of the least score is enough for them."""


class Retrieve:
    """Builds the index from the run's own reports and what is known anyway, and asks it for each finding."""

    name = "retrieve"
    needs: tuple[str, ...] = ("parse", "locate")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the knowledge settings, and what the user's notes and known fixes hold, by digest."""
        knowledge = settings.knowledge
        return {
            "knowledge": msgspec.structs.replace(knowledge, folder="", fixes=""),
            "catalogue": VERSION,
            "weights": Weights(),
            "folder": digest_of_folder(_path(knowledge.folder)),
            "fixes": digest_file(fixes) if (fixes := _path(knowledge.fixes)) and fixes.is_file() else "",
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Write passages.jsonl, a record for each finding of both snapshots; return counts."""
        parsed = context.inputs["parse"]
        files = [path for name in ("findings.jsonl", "earlier.jsonl") if (path := parsed / name).exists()]
        findings = {one.fingerprint: one for path in reversed(files) for one in read_records(path, Finding)}
        ordered = [findings[name] for name in sorted(findings)]
        knowledge = context.settings.knowledge
        if not knowledge.enabled:
            write_records(context.folder / "passages.jsonl", [_nothing(finding) for finding in ordered])
            return {"findings": len(ordered), "passages": 0, "enabled": False}
        index = context.folder.parents[2] / "knowledge" / "index.sqlite"
        retrieved, kinds = retrieve_all(ordered, index, knowledge, context)
        write_records(context.folder / "passages.jsonl", retrieved)
        total = sum(len(one.passages) for one in retrieved)
        return {"findings": len(ordered), "passages": total, "by_kind": kinds, "without": _without(retrieved)}


def retrieve_all(
    findings: Sequence[Finding], index: Path, knowledge: Knowledge, context: Context | None = None
) -> tuple[list[Retrieved], dict[str, int]]:
    """Return the passages of each finding, in their order, and how many of each kind."""
    corpus = entries(findings, _path(knowledge.folder), _path(knowledge.fixes))
    with opened_model(knowledge.embedding_model) as model, Store(index, model) as store:
        store.synchronise(corpus, _progress(context, "embedding passages"))
        asker = Asker(store, model, knowledge)
        return asker.ask_all(findings), dict(sorted(asker.kinds.items()))


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

    def __init__(self, store: Store, model: Embedder | None, knowledge: Knowledge) -> None:
        self._store = store
        self._retrieval = Retrieval(store, model)
        self._model = model
        self._knowledge = knowledge
        self._answers: dict[bytes, tuple[Passage, ...]] = {}
        self.kinds: Counter[str] = Counter()

    def ask_all(self, findings: Sequence[Finding]) -> list[Retrieved]:
        """Return the passages of each finding, in their order; all questions are embedded together."""
        if self._model is not None:
            self._model.embed([query_of(finding).meaning for finding in findings])
        return [Retrieved(fingerprint=finding.fingerprint, passages=self.ask(finding)) for finding in findings]

    def ask(self, finding: Finding) -> tuple[Passage, ...]:
        """Return a finding's passages: CWE, its rule's help and advisories as looked up, then what is found."""
        exact = self._store.lookup(exact_keys(finding))
        passages = [entry.passage for entry in exact][: self._knowledge.passages]
        self.kinds.update(entry.group for entry in exact[: self._knowledge.passages])
        room = self._knowledge.passages - len(passages)
        if room <= 0:
            return tuple(passages)
        guess = not any(entry.group == "cwe" for entry in exact)
        found = self._found(finding, guess)
        known = {passage.id for passage in passages}
        new = [passage for passage in found if passage.id not in known][:room]
        self.kinds.update("found" for _ in new)
        return (*passages, *new)

    def _found(self, finding: Finding, guess: bool) -> tuple[Passage, ...]:
        """Return what is like the finding: one verified fix, one note, and CWEs when the report names none."""
        query, own = query_of(finding), f"fix:{finding.fingerprint}"
        exclude = {own} if self._store.lookup([own]) else set()
        key = msgspec.msgpack.encode((query, guess, sorted(exclude)))
        if key not in self._answers:
            self._answers[key] = self._rank(query, guess, exclude)[: self._knowledge.found]
        return self._answers[key]

    def _rank(self, query: Query, guess: bool, exclude: set[str]) -> tuple[Passage, ...]:
        features = self._retrieval.features(query, exclude=exclude)
        least = self._knowledge.least_score
        kept: list[Passage] = []
        for group, most, bound in (
            ("fix", 1, least * NO_VOTES),
            ("note", 1, least * NO_VOTES),
            ("cwe", self._knowledge.found if guess else 0, least),
        ):
            ranked = self._retrieval.combine(features, most, groups=(group,))
            kept += [one.entry.passage for one in ranked if one.score >= bound]
        return tuple(msgspec.structs.replace(passage, found=True) for passage in kept)


def exact_keys(finding: Finding) -> tuple[str, ...]:
    """Return what is looked up for a finding and not searched: its CWEs, its rule, its advisories."""
    cwes = tuple(f"cwe:{number}" for number in finding.rule.cwes[:MAX_CWES])
    return (*cwes, rule_key(finding), *advisory_keys(finding))


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
