"""Every metric the report knows: its words, its direction, and how its sums become a figure."""

from __future__ import annotations

from pipeline.evaluation.scores import ANALYSIS, Metric
from pipeline.evaluation.statistics import Statistic, ratio

LOSSES = {
    kind: Metric(
        name=f"{kind}_loss",
        label=f"{kind} loss",
        explanation=f"nats a token of the {kind} answer",
        higher_is_better=False,
        percent=False,
    )
    for kind in ("analysis", "codefix")
}
OTHERS = (
    Metric(name="pairs", label="pairs", explanation="vulnerable and fixed code both told right"),
    Metric(
        name="unfaithful",
        label="unfaithful",
        explanation="explanations that mention what stands nowhere in the prompt",
        higher_is_better=False,
    ),
    Metric(name="fix_verified", label="fix verified", explanation="fixes the scanner, run again, confirms"),
    Metric(name="fix_verified_k", label="fix verified at k", explanation="one of the sampled fixes is confirmed"),
    Metric(name="fix_exact", label="fix exact", explanation="fixes equal to the known one"),
    Metric(
        name="fix_unchanged",
        label="no-op",
        explanation="fixes that change nothing: a copy of the flagged lines, or empty",
        higher_is_better=False,
    ),
)
METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*LOSSES.values(), *(one for one, _, _ in ANALYSIS), *OTHERS)
}
STATISTICS: dict[str, Statistic] = dict.fromkeys(METRICS, ratio) | {
    metric.name: statistic for metric, _, statistic in ANALYSIS
}
