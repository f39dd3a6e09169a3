"""Charts as inline SVG: drawn by hand, coloured by the page's own variables, readable without colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from pipeline.records import Record

ROW, GAP = 20, 9
LETTER = 6.0  # how wide one is, on average
Placing = Callable[[float, float], tuple[float, float]]


class Bar(Record):
    """One bar: its label, its colour's name, its value and, when known, its interval."""

    label: str
    colour: str
    value: float | None
    text: str
    low: float | None = None
    high: float | None = None


class Line(Record):
    """One curve: its label, its colour's name, its points; dashed for validation."""

    label: str
    colour: str
    points: tuple[tuple[float, float], ...]
    dashed: bool = False


class Box(Record):
    """One box plot: minimum, quartiles and maximum, and each value as a dot when there are few."""

    label: str
    colour: str
    five: tuple[float, float, float, float, float]
    values: tuple[float, ...] = ()


def svg(width: float, height: float, body: str, label: str) -> str:
    """Return a drawing that scales with its column, up to a fifth, and says what it is to a screen reader."""
    size = f'viewBox="0 0 {width:g} {height:g}" style="max-width:{1.2 * width:.0f}px"'
    return f'<svg {size} role="img" aria-label="{escape(label, quote=True)}">{body}</svg>'


def bars(chosen: Sequence[Bar], label: str, *, top: float | None = None, width: int = 380) -> str:
    """Return horizontal bars with whiskers, the figure written at the end."""
    left, right = 148, 64
    span = width - left - right
    largest = top or max([bar.high or bar.value or 0 for bar in chosen], default=1) or 1
    parts = [_line(left, 0, left, len(chosen) * (ROW + GAP) - GAP, "rule")]
    for number, bar in enumerate(chosen):
        y = number * (ROW + GAP)
        parts.append(_label(left - 10, y + 14, bar.label))
        end = float(left)
        if bar.value is not None:
            length = span * min(bar.value / largest, 1)
            end = left + length
            parts.append(
                f'<rect x="{left}" y="{y + 3}" width="{max(length, 1.5):.1f}" height="{ROW - 6}" rx="2.5" '
                f'fill="var(--{bar.colour})"/>'
            )
        if bar.low is not None and bar.high is not None:
            x0, x1 = (left + span * min(bound / largest, 1) for bound in (bar.low, bar.high))
            parts += [_line(x0, y + 10, x1, y + 10, "whisker")]
            parts += [_line(x, y + 6.5, x, y + 13.5, "whisker") for x in (x0, x1)]
            end = max(end, x1)
        parts.append(_text(end + 8, y + 14, bar.text))
    return svg(width, max(len(chosen) * (ROW + GAP), ROW), "".join(parts), label)


def curves(lines: Sequence[Line], label: str, *, across: str, up: str, width: int = 520, height: int = 260) -> str:
    """Return curves over a common axis, each labelled at its end."""
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    left, right, low, foot = 44, 104, 12, 40
    most_x, most_y = max(x for x, _ in points) or 1, max(y for _, y in points) * 1.05 or 1

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (width - left - right) * x / most_x, low + (height - low - foot) * (1 - y / most_y)

    parts = [_grid(tick, place, most_x) for tick in ticks(most_y)]
    parts += [_text(place(tick, 0)[0], height - foot + 17, f"{tick:g}", "middle", "axis") for tick in ticks(most_x)]
    parts.append(_text((left + width - right) / 2, height - 4, across, "middle", "axis"))
    parts.append(_text(left - 6, low - 2, up, "end", "axis"))
    ends = _spread([place(*line.points[-1])[1] for line in lines if line.points])
    for line, end in zip([line for line in lines if line.points], ends, strict=True):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line.points))
        if len(line.points) == 1:
            parts.append(
                '<circle cx="{:.1f}" cy="{:.1f}" '.format(*place(*line.points[0]))
                + f'r="3" fill="var(--{line.colour})"/>'
            )
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="var(--{line.colour})" stroke-width="1.9" '
            f'stroke-linejoin="round"{dash}/>'
        )
        parts.append(_text(width - right + 10, end + 4, line.label))
    return svg(width, height, "".join(parts), label)


def boxes(chosen: Sequence[Box], label: str, *, unit: str, width: int = 520) -> str:
    """Return horizontal box plots over one axis."""
    left, right, step = 128, 30, 34
    most = max((box.five[4] for box in chosen), default=1) or 1
    marks = ticks(most)
    marks += [2 * marks[-1] - marks[-2]] if marks[-1] < most else []
    scale = (width - left - right) / marks[-1]
    foot = len(chosen) * step
    parts = [_line(left + mark * scale, 0, left + mark * scale, foot, "rule") for mark in marks]
    parts += [_text(left + mark * scale, foot + 16, f"{mark:g} {unit}".strip(), "middle", "axis") for mark in marks]
    for number, box in enumerate(chosen):
        y = number * step + step / 2
        least, first, middle, third, last = (left + value * scale for value in box.five)
        parts.append(_label(left - 10, y + 4, box.label))
        parts += [_line(least, y, last, y, "whisker")]
        parts += [_line(x, y - 5, x, y + 5, "whisker") for x in (least, last)]
        parts.append(
            f'<rect x="{first:.1f}" y="{y - 8}" width="{max(third - first, 2):.1f}" height="16" rx="3" '
            f'fill="var(--{box.colour})" fill-opacity="0.85"/>'
        )
        parts.append(
            f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{y - 8}" y2="{y + 8}" stroke="var(--card)" '
            'stroke-width="2.5"/>'
        )
        parts += [
            f'<circle cx="{left + value * scale:.1f}" cy="{y}" r="2.6" fill="var(--ink)"/>' for value in box.values
        ]
    return svg(width, foot + 22, "".join(parts), label)


def heat(rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]], label: str) -> str:
    """Return a table of counts as a heat map; rows are what was right, columns what was said."""
    left, head, cell = 76, 70, 40
    parts = []
    for number, name in enumerate(columns):
        x = left + number * cell + cell / 2
        parts.append(
            f'<text class="axis" transform="translate({x + 4:g} {head - 8}) rotate(-48)">{escape(name)}</text>'
        )
    for row, name in enumerate(rows):
        y = head + row * cell
        total = sum(counts[row]) or 1
        parts.append(_text(left - 8, y + cell / 2 + 4, name, "end", "axis"))
        for column, count in enumerate(counts[row]):
            x, share = left + column * cell, counts[row][column] / total
            ring = ' stroke="var(--ink)" stroke-width="1.3"' if name == columns[column] else ""
            parts.append(
                f'<rect x="{x + 1.5:g}" y="{y + 1.5:g}" width="{cell - 3}" height="{cell - 3}" rx="5" '
                f'fill="rgba(var(--heat), {0.05 + 0.8 * share:.2f})"{ring}/>'
            )
            if count:
                parts.append(_text(x + cell / 2, y + cell / 2 + 4, str(count), "middle"))
    return svg(left + len(columns) * cell + 24, head + len(rows) * cell + 4, "".join(parts), label)


def reliability(bins: Sequence[tuple[float, float, int]], colour: str, label: str, size: int = 300) -> str:
    """Return how often the model was right against how sure it was; on the diagonal it knows itself."""
    left, foot = 40, 36
    span = size - left - 14

    def place(x: float, y: float) -> tuple[float, float]:
        return left + span * x, 10 + span * (1 - y)

    low, high = place(0, 0), place(1, 1)
    parts = [_grid(tick, place, 1.0, percent=True) for tick in (0, 0.25, 0.5, 0.75, 1)]
    parts += [_text(place(t, 0)[0], low[1] + 16, f"{100 * t:.0f} %", "middle", "axis") for t in (0, 0.5, 1)]
    parts.append(
        f'<line x1="{low[0]:g}" y1="{low[1]:g}" x2="{high[0]:g}" y2="{high[1]:g}" stroke="var(--quiet)" '
        'stroke-dasharray="3 4"/>'
    )
    most = max((items for _, _, items in bins), default=1)
    for sure, right, items in bins:
        x, y = place(sure, right)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 + 9 * math.sqrt(items / most):.1f}" fill="var(--{colour})" '
            f'fill-opacity="0.72"><title>{items} answers</title></circle>'
        )
    parts.append(_text(left + span / 2, size - 2, "how sure it was of its CWE", "middle", "axis"))
    return svg(size, size + foot - 30, "".join(parts), label)


def stacked(rows: Sequence[tuple[str, Sequence[tuple[str, float, str]]]], label: str, width: int = 520) -> str:
    """Return rows of shares: (label, [(what, count, colour)]); each share is named when it is wide enough."""
    left, step = 128, 34
    parts = []
    for number, (name, shares) in enumerate(rows):
        y, x = number * step, float(left)
        total = sum(count for _, count, _ in shares) or 1
        parts.append(_label(left - 10, y + 18, name))
        for what, count, colour in shares:
            length = (width - left) * count / total
            if length > 0:
                parts.append(
                    f'<rect x="{x:.1f}" y="{y + 2}" width="{max(length - 2, 1):.1f}" height="24" rx="4" '
                    f'fill="var(--{colour})" fill-opacity="0.8"><title>{escape(what)}: {count:g}</title></rect>'
                )
            if length > 7 * len(what) + 24:
                parts.append(_text(x + 8, y + 18, f"{what} {count:g}"))
            x += length
    return svg(width, len(rows) * step, "".join(parts), label)


def ticks(most: float) -> list[float]:
    """Return about five round numbers from 0 up to `most`."""
    if most <= 0:
        return [0.0]
    rough = most / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return [round(number * step, 10) for number in range(int(most / step + 1e-9) + 1)]


def _grid(tick: float, place: Placing, most_x: float, *, percent: bool = False) -> str:
    (x0, y), (x1, _) = place(0, tick), place(most_x, tick)
    text = f"{100 * tick:.0f} %" if percent else f"{tick:g}"
    return _line(x0, y, x1, y, "rule") + _text(x0 - 7, y + 4, text, "end", "axis")


def _line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>'


def _label(right: float, y: float, text: str) -> str:
    """Return a name that ends at `right`; one too long for the room before it is cut, whole when pointed at."""
    most = int(right / LETTER)
    if len(text) <= most:
        return _text(right, y, text, "end")
    return f"<g><title>{escape(text)}</title>{_text(right, y, text[: most - 1] + '…', 'end')}</g>"


def _spread(places: Sequence[float], apart: float = 15) -> list[float]:
    """Return the places moved so far apart that labels don't touch, in the same order."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    result, last = list(places), -math.inf
    for index in order:
        result[index] = last = max(places[index], last + apart)
    return result
