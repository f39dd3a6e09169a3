"""The table a person reads in the terminal: models down, metrics across, intervals below the figures."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

COLUMNS = ("analysis_loss", "codefix_loss", "cwe", "cwe_related", "severity", "verdict", "pairs", "lines", "unparsable",
           "unfaithful", "fix_verified", "fix_verified_k", "fix_exact", "fix_unchanged")  # fmt: skip
MARKS = {"better": "green", "worse": "red"}


def table(report: dict[str, Any]) -> Table:
    """Return the report's rows as a table; green and red mark what differs from the base by more than chance."""
    metrics = {metric["name"]: metric for metric in report["metrics"]}
    columns = [name for name in COLUMNS if name in metrics]
    made = Table(title="Held out", title_justify="left", caption=_caption(report), caption_justify="left", box=None)
    made.add_column("model")
    for name in columns:
        arrow = "↑" if metrics[name].get("higher_is_better", True) else "↓"
        made.add_column(f"{metrics[name]['label']} {arrow}", justify="right")
    for row in report["rows"]:
        verdicts = report["comparisons"].get(row["model"], {}).get("base", {})
        cells = [_cell(row["metrics"].get(name), metrics[name], verdicts.get(name)) for name in columns]
        made.add_row(Text(row["model"], style="dim" if row["role"] == "trivial" else ""), *cells)
    return made


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
        text.append(f"\n{interval(estimate, metric)}", style="dim")
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
