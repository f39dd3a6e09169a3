"""The page's tables: each takes the report and returns HTML, or nothing when there is nothing to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pipeline.evaluation.page.words import (
    COLOURS,
    DIFFERENT,
    colour,
    dot,
    figure,
    frame,
    interval,
    percent,
    trained_first,
)
from pipeline.evaluation.report import BASE, Report, Row
from pipeline.evaluation.scanners import ScannerRow
from pipeline.evaluation.scores import Metric
from pipeline.evaluation.statistics import Comparison, Estimate


def cards(report: Report) -> str:
    """Return the headline figures: for each trained model, its own metric beside the base's."""
    rows = {row.model: row for row in report.rows}
    metrics = {metric.name: metric for metric in report.metrics}
    made = []
    for model, names in (
        ("stage-1", ("cwe", "analysis_loss")),
        ("stage-2", ("fix_verified", "fix_exact", "codefix_loss")),
        ("single", ("cwe", "codefix_loss")),
    ):
        for name in names:
            if model in rows and name in metrics and name in rows[model].metrics:
                made.append(_card(report, rows[model], rows[BASE], metrics[name]))
    return f'<div class="cards">{"".join(made[:4])}</div>'


def _card(report: Report, row: Row, base: Row, metric: Metric) -> str:
    value, before = row.metrics[metric.name], base.metrics.get(metric.name, Estimate(value=None))
    comparison = report.comparisons.get(row.model, {}).get(BASE, {}).get(metric.name)
    verdict = comparison.verdict if comparison else "no difference"
    said = {"better": "better than the base", "worse": "worse than the base"}.get(
        verdict, "no difference beyond chance"
    )
    return (
        f'<div class="card"><div class="name">{dot(colour(row))}'
        f"{escape(row.model)} · {escape(metric.label)}</div>"
        f'<div class="figure">{figure(value.value, metric)} <small>base {figure(before.value, metric)}</small></div>'
        f'<div class="{DIFFERENT.get(verdict, "quiet")}">{said}</div></div>'
    )


def table(report: Report) -> str:
    """Return all metrics down and all models across; intervals below, colour where chance doesn't explain it."""
    heads = "".join(
        f"<th{_kind(row)}>{dot(colour(row))}{escape(row.model).replace(' ', '<wbr> ')}</th>" for row in _shown(report)
    )
    body = "".join(_metric_row(report, metric) for metric in report.metrics)
    return frame(f"<tr><th></th>{heads}</tr>", body)


def _metric_row(report: Report, metric: Metric) -> str:
    cells = []
    for row in _shown(report):
        comparison = report.comparisons.get(row.model, {}).get(BASE, {}).get(metric.name)
        cells.append(_cell(row.metrics.get(metric.name), metric, comparison, _kind(row)))
    arrow = "↑" if metric.higher_is_better else "↓"
    name = f"{escape(metric.label)} {arrow}<small>{escape(metric.explanation)}</small>"
    return f'<tr><td class="metric">{name}</td>{"".join(cells)}</tr>'


def _shown(report: Report) -> list[Row]:
    """Return the rows of the great table: scanners have one figure each and a table of their own."""
    return [row for row in report.rows if row.role != "scanner"]


def _kind(row: Row) -> str:
    return ' class="trivial"' if row.role == "trivial" else ""


def _cell(estimate: Estimate | None, metric: Metric, comparison: Comparison | None, kind: str) -> str:
    if estimate is None or estimate.value is None:
        return f"<td{kind}>–</td>"
    different = DIFFERENT.get(comparison.verdict, "") if comparison else ""
    said = figure(estimate.value, metric)
    return f'<td{kind}><span class="{different}">{said}</span><small>{interval(estimate, metric)}</small></td>'


def scanners(report: Report) -> str:
    """Return what each scanner finds of what others label, and what each model found beside it."""
    models = [model for model in report.models if model != BASE]
    head = "<tr><th></th><th>weaknesses</th><th>scanner finds</th>" + "".join(
        f"<th>{dot(COLOURS.get(model, 'champion'))}{escape(model)} finds</th><th>both</th><th>only the scanner</th>"
        "<th>only the model</th><th>neither</th>"
        for model in models
    )
    body = "".join(_scanner_row(one, models) for one in report.scanners)
    return frame(f"{head}</tr>", body) if body else ""


def _scanner_row(one: ScannerRow, models: Sequence[str]) -> str:
    said = f"{percent(one.recall.value)}<small>{_between(one.recall)}</small>"
    cells = [f"<td>{escape(one.scanner)}</td><td>{one.recall.items}</td><td>{said}</td>"]
    for model in models:
        found = one.models[model]
        share = (found.both + found.only_model) / max(1, one.recall.items)
        cells.append(f"<td>{percent(share)}</td>")
        cells += [f"<td>{count}</td>" for count in (found.both, found.only_scanner, found.only_model, found.neither)]
    return f"<tr>{''.join(cells)}</tr>"


def _between(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{percent(estimate.low).removesuffix(' %')} to {percent(estimate.high)}"


def groups(report: Report, kind: str, title: str) -> str:
    """Return the figures by domain or by CWE, models side by side."""
    models = [model for model, _ in trained_first(report) if model != BASE]
    names = sorted({name for model in models for name in report.details[model].get(kind, {})})
    metrics = [metric for metric in report.metrics if metric.name in ("cwe", "verdict_f1", "precision", "recall")]
    if not names:
        return ""
    head = f"<tr><th>{escape(title)}</th><th>examples</th>" + "".join(
        f'<th>{escape(metric.label)}<br><span class="quiet">{escape(model)}</span></th>'
        for metric in metrics
        for model in models
    )
    body = []
    for name in names:
        figures = [report.details[model].get(kind, {}).get(name, {}) for model in models]
        items = max((one.get("items", 0) for of in figures for one in of.values()), default=0)
        cells = "".join(_plain_cell(of.get(metric.name), metric) for metric in metrics for of in figures)
        body.append(f"<tr><td>{escape(name)}</td><td>{items}</td>{cells}</tr>")
    return f'<div class="scroll"><table><thead>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _plain_cell(estimate: Mapping[str, Any] | None, metric: Metric) -> str:
    if not estimate or estimate.get("value") is None:
        return '<td class="quiet">–</td>'
    made = Estimate(value=estimate["value"], low=estimate.get("low"), high=estimate.get("high"))
    return f"<td>{figure(made.value, metric)}<small>{interval(made, metric)}</small></td>"


def targets(report: Report) -> str:
    """Return each domain's targets and whether the analysis specialist reached them."""
    model = next((name for name in ("stage-1", "single") if name in report.details), None)
    found = report.details.get(model or "", {}).get("targets", [])
    if not found:
        return ""
    labels = {metric.name: metric.label for metric in report.metrics}
    names = list(dict.fromkeys(one["metric"] for one in found))
    by_place = {(one["domain"], one["metric"]): one for one in found}
    head = "".join(f"<th>{escape(labels.get(name, name))}</th>" for name in names)
    body = "".join(
        f"<tr><td>{escape(domain)}</td>{''.join(_target(by_place.get((domain, name))) for name in names)}</tr>"
        for domain in dict.fromkeys(one["domain"] for one in found)
    )
    note = (
        f"<p class='note'>Of {escape(str(model))}. Precision, recall and F1 say nothing where no safe code was held "
        "out: then a target is not measurable.</p>"
    )
    return frame(f"<tr><th>domain</th>{head}</tr>", body) + note


def _target(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "<td></td>"
    kind = {"yes": "good", "no": "bad"}.get(one["reached"], "quiet")
    said = {"yes": "reached", "no": "not reached"}.get(one["reached"], one["reached"])
    measured = f"{percent(one['estimate'].get('value'))} " if kind != "quiet" else ""
    return f'<td><span class="{kind}">{measured}{said}</span><small>target above {percent(one["target"])}</small></td>'
