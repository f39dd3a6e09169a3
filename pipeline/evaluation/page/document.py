"""The page as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pipeline.evaluation.page import figures, story, tables
from pipeline.evaluation.page.style import STYLE
from pipeline.evaluation.report import Report
from pipeline.evaluation.verdict import GateVerdict

POLICY = "default-src 'none'; style-src 'unsafe-inline'"

SCANNERS = (
    "Each scanner on the held-out weaknesses that another one labels, in the technologies it looks at. What no "
    "scanner found has no label, so this is recall among them."
)


def document(report: Report, *, verdict: GateVerdict | None = None, others: Sequence[Report] = ()) -> str:
    """Return the page of a report; `others` are reports of runs with other seeds, for the box plots."""
    parts = [
        ("gate", "The gate", "Every rule with its figure and threshold.", story.gate(verdict)),
        ("table", "Everything in one table", _about_table(report), tables.table(report)),
        ("scanners", "Beside the scanners themselves", SCANNERS, tables.scanners(report)),
        ("figures", "Metric by metric", "Whiskers are 95 % intervals.", figures.metric_bars(report)),
        ("training", "Training", "Loss a token, as training saw it.", figures.training(report)),
        ("seeds", "Seeds and run time", "", _grid(figures.seeds(report, others), figures.run_time(report))),
        ("outcomes", "Told apart, and fixed", "", figures.outcomes(report)),
        ("confusion", "What was taken for what", "", figures.confusions(report)),
        ("reliability", "Does it know what it knows?", "", figures.reliabilities(report)),
        ("domains", "By domain", "", tables.groups(report, "domains", "domain") + _targets(report)),
        ("cwes", "By CWE", "", tables.groups(report, "cwes", "CWE")),
        ("worst", "Worst answers", "Where to look first. Open one to read it side by side.", story.worst(report)),
        ("binding", "What it all stands on", "SHA-256 of the files really loaded.", story.bound(report)),
    ]
    shown = [part for part in parts if part[3]]
    links = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _, _ in shown)
    body = "".join(_section(*part) for part in shown)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY, quote=True)}">'
        f"<title>fixsmith · evaluation</title><style>{STYLE}</style></head><body><main>"
        f"<header><h1>How good are the specialists?</h1>{_lead(report)}{tables.cards(report)}<nav>{links}</nav>"
        f"</header>{body}<footer>Made by fixsmith from report.json. Every figure on this page is in it.</footer>"
        "</main></body></html>\n"
    )


def _section(name: str, title: str, about: str, content: str) -> str:
    said = f'<p class="quiet">{about}</p>' if about else ""
    return f'<section id="{name}"><h2>{escape(title)}</h2>{said}{content}</section>'


def _lead(report: Report) -> str:
    counts, base = report.counts, report.binding.get("base", {}).get("name", "the base model")
    train, test = sum(counts["train"].values()), sum(counts["test"].values())
    apart = "that share no file and no near-duplicate with them" if counts.get("clustered", True) else "held out"
    return (
        f'<p class="quiet">Trained on {train} examples from {escape(str(base))}, measured on {test} {apart} '
        f"({counts['test_clusters']} clusters). {counts['answered']} findings "
        f"answered, {counts['explained']} of them explained in full, {counts['fixes']} fixes proposed.</p>"
    )


def _about_table(report: Report) -> str:
    return (
        "Below each figure its 95 % interval, over clusters of held-out examples. "
        '<span class="good">Green</span> and <span class="bad">red</span>: better or worse than the base by more than '
        "chance, corrected for the number of comparisons. The grey columns know nothing of the code."
    )


def _targets(report: Report) -> str:
    content = tables.targets(report)
    return f'<h3 style="margin-top:24px">Targets</h3>{content}' if content else ""


def _grid(*figures: str) -> str:
    shown = "".join(figures)
    return f'<div class="grid wide">{shown}</div>' if shown else ""
