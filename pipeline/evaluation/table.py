"""The table a person reads in the terminal: metrics down, models across, fitting 80 columns."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

COLUMNS = ("analysis_loss", "codefix_loss", "cwe", "cwe_related", "severity", "verdict", "pairs", "lines", "unparsable",
           "unfaithful", "fix_verified", "fix_verified_k", "fix_exact", "fix_unchanged")  # fmt: skip
MARKS = {"better": "green", "worse": "red"}


def table(report: dict[str, Any]) -> Table:
    """Return the report's rows as a table; green and red mark what differs from the base by more than chance.

    The trivial answers share the last column: the best of them, by name.
    """
    metrics = {metric["name"]: metric for metric in report["metrics"]}
    rows = [row for row in report["rows"] if row["role"] not in ("trivial", "scanner")]
    trivial = [row for row in report["rows"] if row["role"] == "trivial"]
    made = Table(title="Held out", title_justify="left", caption=_caption(report), caption_justify="left", box=None)
    made.add_column("")
    for row in rows:
        made.add_column(row["model"], justify="right")
    made.add_column("best trivial answer", justify="right", style="dim")
    for name in (name for name in COLUMNS if name in metrics):
        metric = metrics[name]
        arrow = "↑" if metric.get("higher_is_better", True) else "↓"
        cells = [_cell(row["metrics"].get(name), metric, _verdict(report, row["model"], name)) for row in rows]
        made.add_row(f"{metric['label']} {arrow}", *cells, _best(trivial, name, metric))
    return made


def _verdict(report: dict[str, Any], model: str, metric: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = report["comparisons"].get(model, {}).get("base", {}).get(metric)
    return found


def _best(trivial: list[dict[str, Any]], name: str, metric: dict[str, Any]) -> str:
    known = [(row["metrics"][name]["value"], row["model"]) for row in trivial if row["metrics"].get(name)]
    known = [(value, model) for value, model in known if value is not None]
    if not known:
        return "–"
    choose = max if metric.get("higher_is_better", True) else min
    value, model = choose(known, key=lambda pair: pair[0])
    return f"{model} {figure(value, metric)}"


def figure(value: float | None, metric: dict[str, Any]) -> str:
    """Return one figure as it is shown everywhere: a percentage, or three decimals."""
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if metric.get("percent", True) else f"{value:.3f}"


def _cell(estimate: dict[str, Any] | None, metric: dict[str, Any], comparison: dict[str, Any] | None) -> Text:
    if estimate is None or estimate.get("value") is None:
        return Text("–", style="dim")
    text = Text(figure(estimate["value"], metric), style=MARKS.get((comparison or {}).get("verdict", ""), ""))
    if estimate.get("low") is not None:
        text.append(f" {interval(estimate, metric)}", style="dim")
    return text


def interval(estimate: dict[str, Any], metric: dict[str, Any]) -> str:
    """Return an interval without repeating its unit."""
    low, high = figure(estimate["low"], metric), figure(estimate["high"], metric)
    return f"{low.removesuffix(' %')}–{high.removesuffix(' %')}"


def _caption(report: dict[str, Any]) -> str:
    counts = report.get("counts", {})
    return (
        f"95 % intervals over {counts.get('test_clusters', 0)} clusters of held-out examples; "
        f"{counts.get('answered', 0)} answered. Green or red: differs from the base by more than chance."
    )
