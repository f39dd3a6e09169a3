"""The main figures as PNG files, for model cards and slides. Needs matplotlib (`fixsmith[pictures]`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.errors import UsageError
from pipeline.evaluation.report import Report, Row
from pipeline.evaluation.scores import Metric

COLOURS = {"base": "#7d8793", "stage-1": "#1f6fb2", "stage-2": "#c8641b", "single": "#2b8a5b"}
TRIVIAL, CHAMPION = "#b5b2a8", "#7a56b3"
DOTS = 160
SHOWN = ("cwe", "severity", "verdict", "lines", "fix_verified", "fix_exact")


def draw(report: Report, folder: Path) -> list[Path]:
    """Write metrics.png, curves.png and a confusion-MODEL.png each; return their paths."""
    try:
        import matplotlib
    except ImportError as error:
        raise UsageError("Pictures need matplotlib.", "pip install 'fixsmith[pictures]'") from error
    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    shown = [metric for metric in report.metrics if metric.name in SHOWN]
    made = [_metrics(report, shown, folder / "metrics.png")] if shown else []
    if report.curves:
        made.append(_curves(report, folder / "curves.png"))
    for model, details in report.details.items():
        found = details.get("confusion") or {}
        if model != "base" and found.get("rows"):
            made.append(_confusion(model, found, folder / f"confusion-{model}.png"))
    return made


def _metrics(report: Report, metrics: list[Metric], path: Path) -> Path:
    figure, panels = _figure(len(metrics), 2.1)
    for panel, metric in zip(panels, metrics, strict=True):
        rows = [row for row in report.rows if row.metrics.get(metric.name) is not None][::-1]
        for number, row in enumerate(rows):
            _bar(panel, number, row, metric)
        panel.set_yticks(range(len(rows)), [row.model for row in rows], fontsize=8)
        panel.set_xlim(0, 1.18)
        panel.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"], fontsize=7)
        panel.set_title(metric.label, fontsize=9, loc="left")
    return _save(figure, path)


def _bar(panel: Any, number: int, row: Row, metric: Metric) -> None:
    estimate = row.metrics[metric.name]
    value = estimate.value or 0.0
    panel.barh(number, value, height=0.62, color=_colour(row))
    if estimate.low is not None and estimate.high is not None:
        panel.plot([estimate.low, estimate.high], [number, number], color="#1d2126", linewidth=1.1)
    end = max(value, estimate.high or 0.0)
    said = "–" if estimate.value is None else f"{100 * value:.0f} %"
    panel.text(end + 0.02, number, said, va="center", fontsize=7, color="#1d2126")


def _curves(report: Report, path: Path) -> Path:
    figure, panels = _figure(len(report.curves), 2.6)
    for panel, (model, kinds) in zip(panels, report.curves.items(), strict=True):
        for kind, style in (("train", "-"), ("valid", "--")):
            points = kinds.get(kind) or []
            label = "training" if kind == "train" else "validation"
            across, up = [point[0] for point in points], [point[1] for point in points]
            drawn = style if len(points) > 1 else "o"  # a line of one point is none
            panel.plot(across, up, drawn, color=COLOURS.get(model, CHAMPION), linewidth=1.3, label=label)
        panel.set_title(f"{model}: loss by step", fontsize=9, loc="left")
        panel.set_ylim(bottom=0)
        panel.legend(fontsize=7, frameon=False)
        panel.tick_params(labelsize=7)
    return _save(figure, path)


def _confusion(model: str, found: dict[str, Any], path: Path) -> Path:
    figure, (panel,) = _figure(1, 1.4 + 0.34 * len(found["rows"]))
    panel.imshow(found["counts"], cmap="Blues", aspect="auto")
    most = max(count for counts in found["counts"] for count in counts)
    for row, counts in enumerate(found["counts"]):
        for column, count in enumerate(counts):
            if count:
                ink = "white" if 2 * count > most else "#1d2126"
                panel.text(column, row, count, ha="center", va="center", fontsize=8, color=ink)
    panel.set_xticks(range(len(found["columns"])), found["columns"], rotation=45, ha="right", fontsize=7)
    panel.set_yticks(range(len(found["rows"])), found["rows"], fontsize=7)
    panel.set_title(f"{model}: right CWE down, answered across", fontsize=9, loc="left")
    return _save(figure, path)


def _figure(panels: int, height: float) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure = Figure(figsize=(3.4 * columns, height * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[panels:]:
        axis.set_visible(False)
    return figure, list(axes[:panels])


def _colour(row: Row) -> str:
    return COLOURS.get(row.model, CHAMPION if row.role == "champion" else TRIVIAL)


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=DOTS)
    return path
