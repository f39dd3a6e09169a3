"""Hybrid ranking: words, meaning, what is likely anyway, and what like rules were filed under.

Each part is brought to the range 0–1 and they are added up with fixed weights, which were
chosen on other queries than those scored (`benchmarks/retrieval.py`). Scores are rounded and
ties go by id, so that the same question to the same index has the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from pipeline.knowledge.embedding import Embedder
from pipeline.knowledge.interface import Entry
from pipeline.knowledge.query import Query, match
from pipeline.knowledge.store import Store
from pipeline.records import Record

if TYPE_CHECKING:
    from pipeline.knowledge.embedding import Matrix

CANDIDATES = 80
COLUMNS = (4.0, 2.0, 1.0)
"""Weights of title, summary and body in the search for words."""

_DIGITS = 5
Features = tuple[float, float, float]
"""How well a candidate answers by title words, by all words and by meaning, each at most 1."""


class Weights(Record):
    """How much each part of a score counts. `neighbour`: rules like the query's, by their CWE."""

    title: float = 0.15
    words: float = 0.35
    meaning: float = 1.0
    prior: float = 0.1
    neighbour: float = 1.0


class Scored(Record):
    """An entry and its score; higher is better."""

    entry: Entry
    score: float


class Retrieval:
    """Ranks the entries of a store for a question; vectors are read once."""

    def __init__(self, store: Store, embedder: Embedder | None, weights: Weights | None = None) -> None:
        self._store = store
        self._embedder = embedder
        self._weights = weights or Weights()
        self._entries = store.entries()
        self._row = {entry.passage.id: row for row, entry in enumerate(self._entries)}
        self._matrix: Matrix | None = store.matrix()

    def rank(
        self,
        query: Query,
        limit: int,
        *,
        groups: Collection[str] = (),
        exclude: Collection[str] = (),
        meaning: Matrix | None = None,
    ) -> list[Scored]:
        """Return the best entries for a question, best first.

        `groups` limits their kinds, `exclude` names entries that are neither shown nor asked.
        `meaning` is the question's vector when it was computed with others before.
        """
        return self.combine(self.features(query, exclude=exclude, meaning=meaning), limit, groups=groups)

    def features(
        self, query: Query, *, exclude: Collection[str] = (), meaning: Matrix | None = None
    ) -> dict[int, Features]:
        """Return, by row of each candidate, the parts its score is made of."""
        title = self._words(query.title, exclude)
        words = self._words((*query.title, *query.text), exclude)
        near = self._near(query, meaning)
        rows = set(title) | set(words) | self._nearest(near, exclude)
        return {
            row: (title.get(row, 0.0), words.get(row, 0.0), float(near[row]) if near is not None else 0.0)
            for row in sorted(rows)
        }

    def combine(
        self,
        features: dict[int, Features],
        limit: int,
        *,
        groups: Collection[str] = (),
        weights: Weights | None = None,
    ) -> list[Scored]:
        """Return the best candidates by the weighted sum of their parts."""
        chosen = weights or self._weights
        base = {row: _base(parts, chosen) for row, parts in features.items()}
        votes = self._votes(base)
        scored = [
            Scored(entry=self._entries[row], score=round(self._total(row, base, votes, chosen), _DIGITS))
            for row in sorted(base.keys() | votes.keys())
            if not groups or self._entries[row].group in groups
        ]
        return sorted(scored, key=lambda one: (-one.score, one.entry.passage.id))[:limit]

    def _words(self, words: tuple[str, ...], exclude: Collection[str]) -> dict[int, float]:
        if not words:
            return {}
        limit = CANDIDATES + len(exclude)
        found = [pair for pair in self._store.words(match(words), COLUMNS, limit) if pair[0] not in exclude]
        best = max((score for _, score in found), default=0.0)
        return {self._row[name]: score / best for name, score in found} if best > 0 else {}

    def _near(self, query: Query, meaning: Matrix | None) -> Matrix | None:
        if self._matrix is None or self._embedder is None or not query.meaning:
            return None
        vector = self._embedder.embed([query.meaning])[0] if meaning is None else meaning
        near: Matrix = (self._matrix @ vector).round(_DIGITS)
        return near

    def _nearest(self, near: Matrix | None, exclude: Collection[str]) -> set[int]:
        if near is None:
            return set()
        import numpy

        order = numpy.argsort(-near, kind="stable")[: CANDIDATES + len(exclude)]
        return {int(row) for row in order if self._entries[int(row)].passage.id not in exclude}

    def _votes(self, base: dict[int, float]) -> dict[int, float]:
        """Return, by row of a CWE, how well the rules filed under it answer the question.

        The best counts whole, each further one half of the one before, so that many rules that
        agree weigh more than one, and never more than two.
        """
        filed: dict[int, list[float]] = defaultdict(list)
        for row, score in base.items():
            entry = self._entries[row]
            for cwe in entry.votes:
                target = self._row.get(f"CWE-{cwe}")
                if target is not None:
                    filed[target].append(score)
        return {
            row: sum(score * 0.5**place for place, score in enumerate(sorted(scores, reverse=True)))
            for row, scores in filed.items()
        }

    def _total(self, row: int, base: dict[int, float], votes: dict[int, float], weights: Weights) -> float:
        own = base.get(row, 0.0) + weights.prior * self._entries[row].prior
        return own + weights.neighbour * votes.get(row, 0.0)


def _base(parts: Features, weights: Weights) -> float:
    title, words, meaning = parts
    return weights.title * title + weights.words * words + weights.meaning * meaning
