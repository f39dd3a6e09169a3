"""The loss curve of a training as a PNG, when matplotlib (extra `pictures`) is there."""

from __future__ import annotations

import json
from pathlib import Path

CURVE = "loss.png"


def draw(adapter: Path) -> Path | None:
    """Draw `metrics.jsonl` beside the adapter and return the picture; None without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    lines = [json.loads(line) for line in (adapter / "metrics.jsonl").read_text().splitlines()]
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for key, style in (("loss", "-"), ("valid", "o-")):
        points = [(line["step"], line[key]) for line in lines if key in line]
        if points:
            drawn = style if len(points) > 1 else "o"  # a line of one point is none
            axes.plot(
                *zip(*points, strict=True), drawn, label={"loss": "training loss", "valid": "validation loss"}[key]
            )
    axes.set(xlabel="step", ylabel="loss (nats a token)")
    axes.grid(alpha=0.3)
    axes.legend()
    path = adapter / CURVE
    figure.savefig(path, dpi=120)
    return path
