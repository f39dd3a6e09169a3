"""The page's sections: each takes the report and returns HTML, or nothing when there is nothing to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pipeline.evaluation.page import charts
from pipeline.evaluation.report import BASE, Report, Row
from pipeline.evaluation.scanners import ScannerRow
from pipeline.evaluation.scores import Metric
from pipeline.evaluation.statistics import Comparison, Estimate
from pipeline.evaluation.verdict import GateVerdict

COLOURS = {"base": "base", "stage-1": "first", "stage-2": "second", "single": "third"}
DIFFERENT = {"better": "good", "worse": "bad"}
OUTCOMES = {
    "correct": "third",
    "both vulnerable": "second",
    "both safe": "first",
    "reversed": "bad",
    "unreadable": "trivial",
}


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
        f'<div class="card"><div class="name">{_dot(colour(row))}'
        f"{escape(row.model)} · {escape(metric.label)}</div>"
        f'<div class="figure">{figure(value.value, metric)} <small>base {figure(before.value, metric)}</small></div>'
        f'<div class="{DIFFERENT.get(verdict, "quiet")}">{said}</div></div>'
    )


def table(report: Report) -> str:
    """Return all metrics down and all models across; intervals below, colour where chance doesn't explain it."""
    heads = "".join(
        f"<th{_kind(row)}>{_dot(colour(row))}{escape(row.model).replace(' ', '<wbr> ')}</th>" for row in _shown(report)
    )
    body = "".join(_metric_row(report, metric) for metric in report.metrics)
    return _table(f"<tr><th></th>{heads}</tr>", body)


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


def scanners(report: Report) -> str:
    """Return what each scanner finds of what others label, and what each model found beside it."""
    models = [model for model in report.models if model != BASE]
    head = "<tr><th></th><th>weaknesses</th><th>scanner finds</th>" + "".join(
        f"<th>{_dot(COLOURS.get(model, 'champion'))}{escape(model)} finds</th><th>both</th><th>only the scanner</th>"
        "<th>only the model</th><th>neither</th>"
        for model in models
    )
    body = "".join(_scanner_row(one, models) for one in report.scanners)
    return _table(f"{head}</tr>", body) if body else ""


def _scanner_row(one: ScannerRow, models: Sequence[str]) -> str:
    said = f"{_percent(one.recall.value)}<small>{_between(one.recall)}</small>"
    cells = [f"<td>{escape(one.scanner)}</td><td>{one.recall.items}</td><td>{said}</td>"]
    for model in models:
        found = one.models[model]
        share = (found.both + found.only_model) / max(1, one.recall.items)
        cells.append(f"<td>{share:.0%}</td>")
        cells += [f"<td>{count}</td>" for count in (found.both, found.only_scanner, found.only_model, found.neither)]
    return f"<tr>{''.join(cells)}</tr>"


def _between(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.0%} to {estimate.high:.0%}"


def _table(head: str, body: str) -> str:
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _cell(estimate: Estimate | None, metric: Metric, comparison: Comparison | None, kind: str) -> str:
    if estimate is None or estimate.value is None:
        return f"<td{kind}>–</td>"
    different = DIFFERENT.get(comparison.verdict, "") if comparison else ""
    said = figure(estimate.value, metric)
    return f'<td{kind}><span class="{different}">{said}</span><small>{interval(estimate, metric)}</small></td>'


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
    for model, details in _trained_first(report):
        found = details.get("confusion") or {}
        answered = [sum(row[:-1]) for row in found.get("counts", [])]
        if any(answered):
            drawn = charts.heat(found["rows"], found["columns"], found["counts"], f"CWE confusion of {model}")
            panels.append(
                f"<figure><h3>{escape(model)}</h3>{drawn}"
                "<figcaption>Down: the right CWE. Across: what the model said. Ringed: right.</figcaption></figure>"
            )
    return f'<div class="grid wide">{"".join(panels)}</div>'


def reliabilities(report: Report) -> str:
    """Return a reliability diagram for each model that named a CWE."""
    panels = []
    for model, details in _trained_first(report):
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
        for model, details in report.details.items()
        if any(details.get("pairs", {}).values())
    ]
    made = [
        (model, [(what, count, _fix_colour(what)) for what, count in details["checks"].items()])
        for model, details in report.details.items()
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
    for model, details in report.details.items():
        found = details.get("detection", {})
        separation, recall = found.get("separation", {}), found.get("recall at 5%", {})
        if separation.get("value") is not None and model != BASE:
            said.append(
                f" {escape(model)}: separation {separation['value']:.2f} (0.5 is chance), "
                f"recall {recall.get('value', 0):.0%} where 5 % of safe code is flagged."
            )
    return "".join(said)


def _fix_colour(what: str) -> str:
    return {"verified": "third", "proposed": "first", "no-op": "trivial"}.get(what, "second")


def groups(report: Report, kind: str, title: str) -> str:
    """Return the figures by domain or by CWE, models side by side."""
    models = [model for model, _ in _trained_first(report) if model != BASE]
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
    return _table(f"<tr><th>domain</th>{head}</tr>", body) + note


def _target(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "<td></td>"
    kind = {"yes": "good", "no": "bad"}.get(one["reached"], "quiet")
    said = {"yes": "reached", "no": "not reached"}.get(one["reached"], one["reached"])
    measured = f"{_percent(one['estimate'].get('value'))} " if kind != "quiet" else ""
    return f'<td><span class="{kind}">{measured}{said}</span><small>target above {one["target"]:.0%}</small></td>'


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def run_time(report: Report) -> str:
    """Return how long answers took."""
    found = [(model, details["run_time"]) for model, details in report.details.items() if details.get("run_time")]
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
    values = _over_runs([report, *others], name) if others else _over_samples(report, name)
    chosen = [
        charts.Box(
            label=model, colour=COLOURS.get(model, "champion"), five=_five(of), values=tuple(100 * v for v in of)
        )
        for model, of in values.items()
        if len(of) > 1
    ]
    if not chosen:
        return ""
    what = f"{len(others) + 1} runs" if others else "sampled answers, a seed each"
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
        for model, details in report.details.items()
    }


def _five(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    ordered = sorted(100 * value for value in values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return (at(0), at(0.25), at(0.5), at(0.75), at(1))


def gate(verdict: GateVerdict | None) -> str:
    """Return the gate's verdict, rule by rule."""
    if verdict is None:
        return ""
    made = []
    for one in verdict.judgements:
        kind, said = ("good", "better") if one.better else ("bad", "not better")
        rules = "".join(
            f'<tr><td>{escape(rule.name)}</td><td class="left">{escape(rule.sentence)}</td>'
            f'<td class="{ {True: "good", False: "bad", None: "quiet"}[rule.passed] }">'
            f"{ {True: 'passed', False: 'failed', None: 'not measured'}[rule.passed] }</td></tr>"
            for rule in one.rules
        )
        made.append(
            f'<h3 style="margin-top:18px">{escape(one.specialist)} against {escape(one.against)} '
            f'<span class="badge {kind}">{said}</span></h3>'
            f'<div class="scroll"><table class="rules"><tbody>{rules}</tbody></table></div>'
        )
    return "".join(made)


def worst(report: Report) -> str:
    """Return the worst answers beside the right ones."""
    return "".join(
        _side_by_side(model, one)
        for model, details in _trained_first(report)
        if model != BASE
        for one in details.get("worst", [])
    )


def _side_by_side(model: str, one: Mapping[str, str]) -> str:
    place = f"<span class='quiet'>{escape(one['place'])} — {escape(one['why'])}</span>"
    head = f"{_dot(COLOURS.get(model, 'champion'))}{escape(model)} · {escape(one['rule'])} {place}"
    return (
        f"<details><summary>{head}</summary><div class='side'>"
        f"<div><h3>Right</h3><pre>{escape(one['expected'])}</pre></div>"
        f"<div><h3>Answered</h3><pre>{escape(one['answer']) or '(nothing)'}</pre></div></div>"
        f"<div class='side whole'><div><h3>Asked</h3><pre>{escape(one['prompt'])}</pre></div></div></details>"
    )


def bound(report: Report) -> str:
    """Return the digests everything stands on."""
    rows = []
    for group in ("adapters", "data"):
        for name, value in report.binding.get(group, {}).items():
            for file, digest in value.items() if isinstance(value, dict) else ((None, value),):
                rows.append((f"{name} · {file}" if file else name, digest))
    base = report.binding.get("base", {})
    rows.insert(0, (f"base · {base.get('name', '')}", base.get("digest", "")))
    rows += [(f"tokenizer · {name}", digest) for name, digest in report.binding.get("tokenizer", {}).items()]
    rows.append(("code", str(report.binding.get("code", ""))))
    body = "".join(
        f'<tr><td>{escape(str(name))}</td><td class="left digest">{escape(str(digest))}</td></tr>'
        for name, digest in rows
    )
    return f'<div class="scroll"><table><tbody>{body}</tbody></table></div>'


def _dot(name: str) -> str:
    return f'<span class="dot" style="background:var(--{name})"></span>'


def _trained_first(report: Report) -> list[tuple[str, dict[str, Any]]]:
    order = [model for model in report.models if model != BASE] + [model for model in report.models if model == BASE]
    return [(model, report.details.get(model, {})) for model in order]
