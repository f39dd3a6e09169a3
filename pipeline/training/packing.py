"""Examples laid into rows: nothing padded, attention inside each example, shared beginnings once.

A row is a forest: its segments are runs of tokens, and a segment goes on from another one when
several examples begin alike. An example is the path from a root to its end, so every token sees
exactly what it would see alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import msgspec

from pipeline.training.examples import Encoded

WORTH_SHARING = 16
_TOGETHER = 8


class Segment(msgspec.Struct, frozen=True):
    """Tokens `start`–`stop` of a row, at positions from `position` on, after the segments `path`.

    `path` holds the numbers of the segments it goes on from, root first. `source` is the example
    its tokens are copied from (its number in the row).
    """

    start: int
    stop: int
    position: int
    path: tuple[int, ...]
    source: int


class Score(msgspec.Struct, frozen=True):
    """At row position `position` the next token is `target`, and that counts `weight`."""

    position: int
    target: int
    weight: float
    example: int


class Row(msgspec.Struct, frozen=True):
    """A packed row: its examples' numbers in the data set, tokens, segments and what is scored.

    A segment's `source` is a place in `examples`.
    """

    examples: tuple[int, ...]
    tokens: tuple[int, ...]
    segments: tuple[Segment, ...]
    scores: tuple[Score, ...]

    @property
    def weight(self) -> float:
        """Return the sum of the weights of what is scored."""
        return sum(score.weight for score in self.scores)


def rows(
    examples: Sequence[Encoded], chosen: Sequence[int], budget: int, lanes: int, prompt_weight: float, share: bool
) -> list[Row]:
    """Lay the examples numbered `chosen` into rows of at most `budget` tokens (best fit, longest first).

    The number of rows is a multiple of `lanes` where there are enough examples, their lengths as
    even as can be. An example longer than the budget gets a row of its own.
    """
    lengths = {number: len(examples[number].tokens) for number in chosen}
    bins = distribute(list(chosen), lengths, budget, lanes)
    return [pack([(number, examples[number]) for number in part], prompt_weight, share) for part in bins]


def distribute(chosen: list[int], lengths: dict[int, int], budget: int, lanes: int) -> list[list[int]]:
    """Return `chosen` in parts of at most `budget` each, few and even; deterministic.

    Longest first, each into the emptiest part it fits in; one more round of parts until all fit.
    """
    count = _fewest([lengths[number] for number in chosen], budget)
    while True:
        count = min(-(-count // lanes) * lanes, len(chosen))
        parts = _fill(chosen, lengths, budget, count)
        if parts is not None or count >= len(chosen):
            return [part for part in parts or [[number] for number in chosen] if part]
        count += 1


def _fewest(sizes: list[int], budget: int) -> int:
    """Return how many parts there are at least: by their sum, and because few large ones go together."""
    crowded = [-(-sum(size > budget // (few + 1) for size in sizes) // few) for few in range(1, _TOGETHER + 1)]
    return max(1, -(-sum(sizes) // budget), *crowded)


def _fill(chosen: list[int], lengths: dict[int, int], budget: int, count: int) -> list[list[int]] | None:
    parts: list[list[int]] = [[] for _ in range(count)]
    emptiest = [(0, part) for part in range(count)]
    for number in sorted(chosen, key=lambda item: (-lengths[item], item)):
        filled, part = emptiest[0]
        if filled and filled + lengths[number] > budget:
            return None
        parts[part].append(number)
        heapq.heapreplace(emptiest, (filled + lengths[number], part))
    return parts


def pack(examples: Sequence[tuple[int, Encoded]], prompt_weight: float, share: bool) -> Row:
    """Return one row of the given (number, example) pairs."""
    builder = _Builder(list(examples), prompt_weight)
    order = list(range(len(examples)))
    if share:
        builder.grow(sorted(order, key=lambda item: examples[item][1].tokens), 0, ())
    else:
        for item in order:
            builder.grow([item], 0, ())
    return builder.row()


class _Builder:
    """Grows a row's forest, segment by segment."""

    def __init__(self, examples: list[tuple[int, Encoded]], prompt_weight: float) -> None:
        self.examples = examples
        self.prompt_weight = prompt_weight
        self.tokens: list[int] = []
        self.segments: list[Segment] = []
        self.scores: list[Score] = []

    def grow(self, group: list[int], position: int, path: tuple[int, ...]) -> None:
        """Add the examples of `group` (sorted, alike before `position`) under `path`."""
        for part in self._alike(group, position):
            end = self._common(part, position)
            number = self._add(part, position, end, path)
            rest = [item for item in part if len(self.examples[item][1].tokens) > end]
            if rest:
                self.grow(rest, end, (*path, number))

    def _alike(self, group: list[int], position: int) -> list[list[int]]:
        parts: list[list[int]] = []
        for item in group:
            if parts and self._common([parts[-1][0], item], position) - position >= WORTH_SHARING:
                parts[-1].append(item)
            else:
                parts.append([item])
        return parts

    def _common(self, part: list[int], position: int) -> int:
        first, last = (self.examples[item][1].tokens for item in (part[0], part[-1]))
        end = min(len(first), len(last))
        if len(part) == 1 or first[position:end] == last[position:end]:
            return end
        return next(at for at in range(position, end) if first[at] != last[at])

    def _add(self, part: list[int], position: int, end: int, path: tuple[int, ...]) -> int:
        start = len(self.tokens)
        self.tokens.extend(self.examples[part[0]][1].tokens[position:end])
        self.segments.append(Segment(start, len(self.tokens), position, path, part[0]))
        for item in part:
            self._score(item, position, end, start)
        return len(self.segments) - 1

    def _score(self, item: int, position: int, end: int, start: int) -> None:
        number, example = self.examples[item]
        for at in range(position, min(end, len(example.tokens) - 1)):
            weight = 1.0 if example.answer[at + 1] else self.prompt_weight
            if weight:
                self.scores.append(Score(start + at - position, example.tokens[at + 1], weight, number))

    def row(self) -> Row:
        numbers = tuple(number for number, _ in self.examples)
        return Row(numbers, tuple(self.tokens), tuple(self.segments), tuple(self.scores))
