"""What every part of the page says alike: figures, intervals, colours."""

from __future__ import annotations

from typing import Any

from pipeline.evaluation.report import BASE, Report, Row
from pipeline.evaluation.scores import Metric
from pipeline.evaluation.statistics import Estimate

COLOURS = {"base": "base", "stage-1": "first", "stage-2": "second", "single": "third"}
DIFFERENT = {"better": "good", "worse": "bad"}


def colour(row: Row) -> str:
    """Return the name of the colour a model has on the whole page."""
    return COLOURS.get(row.model, "champion" if row.role == "champion" else "trivial")


def figure(value: float | None, metric: Metric) -> str:
    """Return a figure as text."""
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if metric.percent else f"{value:.3f}"


def interval(estimate: Estimate, metric: Metric) -> str:
    """Return an interval as text; nothing where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{figure(estimate.low, metric).removesuffix(' %')} to {figure(estimate.high, metric)}"


def percent(value: float | None) -> str:
    """Return a share as text."""
    return "–" if value is None else f"{100 * value:.0f} %"


def dot(name: str) -> str:
    """Return a dot in a colour of the page."""
    return f'<span class="dot" style="background:var(--{name})"></span>'


def in_order(report: Report) -> list[tuple[str, dict[str, Any]]]:
    """Return the models with their details, as the table has them."""
    return [(model, report.details.get(model, {})) for model in report.models]


def trained_first(report: Report) -> list[tuple[str, dict[str, Any]]]:
    """Return the models with their details, the base last."""
    order = [model for model in report.models if model != BASE] + [model for model in report.models if model == BASE]
    return [(model, report.details.get(model, {})) for model in order]


def frame(head: str, body: str) -> str:
    """Return a table that scrolls where the page is narrow."""
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
