"""The page's drawings: each takes the report and returns HTML, or nothing when there is nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pipeline.evaluation.page import charts
from pipeline.evaluation.page.words import (
    COLOURS,
    colour,
    figure,
    in_order,
    percent,
    trained_first,
)
from pipeline.evaluation.report import BASE, Report, Row
from pipeline.evaluation.scores import Metric
from pipeline.evaluation.statistics import Estimate

OUTCOMES = {
    "correct": "third",
    "both vulnerable": "second",
    "both safe": "first",
    "reversed": "bad",
    "unreadable": "trivial",
}


def metric_bars(report: Report) -> str:
    """Return a panel of bars for each metric."""
    panels = []
    for metric in report.metrics:
        rows = [row for row in report.rows if metric.name in row.metrics]
        chosen = [_bar(row, row.metrics[metric.name], metric) for row in rows]
        if any(bar.value is not None for bar in chosen):
            drawn = charts.bars(chosen, f"{metric.label} by model", top=1.0 if metric.percent else None)
            better = "more is better" if metric.higher_is_better else "less is better"
            panels.append(
                f"<figure><h3>{escape(metric.label)}</h3>{drawn}"
                f"<figcaption>{escape(metric.explanation)}; {better}</figcaption></figure>"
            )
    return f'<div class="grid">{"".join(panels)}</div>'


def _bar(row: Row, estimate: Estimate, metric: Metric) -> charts.Bar:
    return charts.Bar(
        label=row.model,
        colour=colour(row),
        value=estimate.value,
        text=figure(estimate.value, metric),
        low=estimate.low,
        high=estimate.high,
    )


def training(report: Report) -> str:
    """Return the training curves."""
    panels = []
    for model, kinds in report.curves.items():
        lines = [
            charts.Line(label=name, colour=colours, points=tuple(map(tuple, kinds[kind])), dashed=kind == "valid")
            for kind, name, colours in (
                ("train", "training", COLOURS.get(model, "first")),
                ("valid", "validation", "ink"),
            )
            if kinds.get(kind)
        ]
        drawn = charts.curves(lines, f"Training curve of {model}", across="step", up="loss")
        panels.append(f"<figure><h3>{escape(model)}</h3>{drawn}</figure>")
    return f'<div class="grid wide">{"".join(panels)}</div>' if panels else ""


def confusions(report: Report) -> str:
    """Return a heat map for each model: the right CWE against the one it said."""
    panels = []
    for model, details in trained_first(report):
        found = details.get("confusion") or {}
        answered = [sum(row[:-1]) for row in found.get("counts", [])]
        if any(answered):
            drawn = charts.heat(found["rows"], found["columns"], found["counts"], f"CWE confusion of {model}")
            panels.append(
                f"<figure><h3>{escape(model)}</h3>{drawn}"
                "<figcaption>Down: the right CWE. Across: what the model said. Ringed: right.</figcaption></figure>"
            )
    return f'<div class="grid wide">{"".join(panels)}</div>' if panels else ""


def reliabilities(report: Report) -> str:
    """Return a reliability diagram for each model that named a CWE."""
    panels = []
    for model, details in trained_first(report):
        found = details.get("reliability") or {}
        if found.get("bins"):
            bins = [(one["sure"], one["right"], one["items"]) for one in found["bins"]]
            drawn = charts.reliability(bins, COLOURS.get(model, "champion"), f"Reliability of {model}")
            panels.append(
                f"<figure><h3>{escape(model)}</h3>{drawn}<figcaption>How often it was right (up) by how sure it was. "
                f"Expected calibration error {found['error']:.2f} over {found['items']} answers.</figcaption></figure>"
            )
    return f'<div class="grid">{"".join(panels)}</div>' if panels else ""


def outcomes(report: Report) -> str:
    """Return how vulnerable and fixed code was told apart, and what became of the fixes."""
    told = [
        (model, [(what, count, OUTCOMES[what]) for what, count in details["pairs"].items() if count])
        for model, details in in_order(report)
        if any(details.get("pairs", {}).values())
    ]
    made = [
        (model, [(what, count, _fix_colour(what)) for what, count in details["checks"].items()])
        for model, details in in_order(report)
        if details.get("checks")
    ]
    panels = []
    if told:
        caption = "Pairs of vulnerable and fixed code. Correct: both told right (PrimeVul)."
        drawn = charts.stacked(told, "Pairs by outcome")
        panels.append(f"<figure><h3>Pairs</h3>{drawn}<figcaption>{caption}{_detection(report)}</figcaption></figure>")
    if made:
        caption = "What became of each proposed fix; a failing check is named."
        drawn = charts.stacked(made, "Fixes by outcome")
        panels.append(f"<figure><h3>Fixes</h3>{drawn}<figcaption>{caption}</figcaption></figure>")
    return f'<div class="grid wide">{"".join(panels)}</div>' if panels else ""


def _detection(report: Report) -> str:
    said = []
    for model, details in in_order(report):
        found = details.get("detection", {})
        separation, recall = found.get("separation", {}), found.get("recall at 5%", {})
        if separation.get("value") is not None and model != BASE:
            said.append(
                f" {escape(model)}: separation {separation['value']:.2f} (0.5 is chance), "
                f"recall {percent(recall.get('value', 0))} where 5 % of safe code is flagged."
            )
    return "".join(said)


def _fix_colour(what: str) -> str:
    return {"verified": "third", "proposed": "first", "no-op": "trivial"}.get(what, "second")


def run_time(report: Report) -> str:
    """Return how long answers took."""
    found = [(model, details["run_time"]) for model, details in in_order(report) if details.get("run_time")]
    if not found:
        return ""
    chosen = [
        charts.Box(label=model, colour=COLOURS.get(model, "champion"), five=tuple(of["seconds"])) for model, of in found
    ]
    tokens = ", ".join(f"{escape(model)} {of['tokens']} tokens in {of['answers']} answers" for model, of in found)
    drawn = charts.boxes(chosen, "Seconds an answer", unit="s")
    return (
        f"<figure><h3>Seconds an answer</h3>{drawn}<figcaption>From its first token to its last, several at a time. "
        f"{tokens}.</figcaption></figure>"
    )


def seeds(report: Report, others: Sequence[Report]) -> str:
    """Return box plots over seeds: of several runs when they were given, else of sampled answers."""
    metrics = {metric.name: metric for metric in report.metrics}
    name = next((one for one in ("verdict_f1", "cwe") if one in metrics), None)
    if name is None:
        return ""
    runs = [report, *(one for number, one in enumerate(others) if one not in [report, *others[:number]])]
    values = _over_runs(runs, name) if len(runs) > 1 else _over_samples(report, name)
    chosen = [
        charts.Box(
            label=model, colour=COLOURS.get(model, "champion"), five=_five(of), values=tuple(100 * v for v in of)
        )
        for model, of in values.items()
        if len(of) > 1
    ]
    if not chosen:
        return ""
    what = f"{len(runs)} runs" if len(runs) > 1 else "sampled answers, a seed each"
    drawn = charts.boxes(chosen, f"{metrics[name].label} over seeds", unit="%")
    title = f"<h3>{escape(metrics[name].label)} over seeds</h3>"
    return f"<figure>{title}{drawn}<figcaption>{what}; each dot is one.</figcaption></figure>"


def _over_runs(reports: Sequence[Report], name: str) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for report in reports:
        for row in report.rows:
            found = row.metrics.get(name)
            if row.role == "model" and found is not None and found.value is not None:
                values.setdefault(row.model, []).append(found.value)
    return values


def _over_samples(report: Report, name: str) -> dict[str, list[float]]:
    return {
        model: [of[name] for of in details.get("samples", {}).values() if of.get(name) is not None]
        for model, details in in_order(report)
    }


def _five(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    ordered = sorted(100 * value for value in values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return (at(0), at(0.25), at(0.5), at(0.75), at(1))
