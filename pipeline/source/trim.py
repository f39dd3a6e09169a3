"""Making an excerpt fit: the window that keeps the flagged lines and as many telling lines as it can."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate

import msgspec

from pipeline.records import Excerpt
from pipeline.source.dangerous import is_dangerous
from pipeline.source.interface import Span

FLOW_WEIGHT = 4
DANGER_WEIGHT = 2


def line_weights(lines: Sequence[str], flow: Collection[int], first: int) -> list[int]:
    """Return how much each line tells: lines of the data's path most, then dangerous calls."""
    return [
        (FLOW_WEIGHT if number in flow else 0) + (DANGER_WEIGHT if is_dangerous(line) else 0)
        for number, line in enumerate(lines, first)
    ]


def best_window(block: Span, flagged: Span, weights: Sequence[int], max_lines: int) -> Span:
    """Return at most `max_lines` of `block` round the flagged lines, with the most weight in them.

    `weights` belong to the block's lines. Of windows that weigh the same the one is taken that
    has the flagged lines nearest to its middle. The flagged lines are kept even when they alone
    are more than `max_lines`.
    """
    length = max(max_lines, flagged[1] - flagged[0] + 1)
    if block[1] - block[0] + 1 <= length:
        return block
    sums = [0, *accumulate(weights)]
    starts = range(max(block[0], flagged[1] - length + 1), min(flagged[0], block[1] - length + 1) + 1)

    def worth(start: int) -> tuple[int, float, int]:
        weight = sums[start - block[0] + length] - sums[start - block[0]]
        off_middle = abs((start + start + length - 1) - (flagged[0] + flagged[1])) / 2
        return weight, -off_middle, -start

    start = max(starts, key=worth)
    return start, start + length - 1


def shrink(shown: Span, flagged: Span, lines: Sequence[str], weights: Sequence[int], max_characters: int) -> Span:
    """Drop lines from the ends, the lighter end first, until the text fits; never a flagged line."""
    first, last = shown
    size = sum(len(line) + 1 for line in lines)
    while size > max_characters and (first < flagged[0] or last > flagged[1]):
        head = weights[first - shown[0]] if first < flagged[0] else None
        tail = weights[last - shown[0]] if last > flagged[1] else None
        drop_tail = head is None or (
            tail is not None and (tail, flagged[1] - last) <= (head, first - flagged[0])
        )  # of equal weight the one farther from the flagged lines goes
        row = last if drop_tail else first
        size -= len(lines[row - shown[0]]) + 1
        first, last = (first, last - 1) if drop_tail else (first + 1, last)
    return first, last


def shorten(excerpt: Excerpt, max_characters: int) -> Excerpt:
    """Return the excerpt cut to a number of characters: lines first, then the header; flagged lines stay."""
    lines = excerpt.text.split("\n")[:-1]
    shown = (excerpt.start_line, excerpt.start_line + len(lines) - 1)
    weights = line_weights(lines, (), shown[0])
    first, last = shrink(shown, excerpt.flagged, lines, weights, max_characters)
    text = "".join(f"{line}\n" for line in lines[first - shown[0] : last - shown[0] + 1])
    header = excerpt.header if len(text) + len(excerpt.header) <= max_characters else ""
    return msgspec.structs.replace(excerpt, start_line=first, text=text, header=header)
