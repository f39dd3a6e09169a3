"""What is to be read rather than compared: the gate's rules, the worst answers, what it all stands on."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from pipeline.evaluation.page.words import (
    COLOURS,
    dot,
    trained_first,
)
from pipeline.evaluation.report import BASE, Report
from pipeline.evaluation.verdict import GateVerdict


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
        for model, details in trained_first(report)
        if model != BASE
        for one in details.get("worst", [])
    )


def _side_by_side(model: str, one: Mapping[str, str]) -> str:
    place = f"<span class='quiet'>{escape(one['place'])} — {escape(one['why'])}</span>"
    head = f"{dot(COLOURS.get(model, 'champion'))}{escape(model)} · {escape(one['rule'])} {place}"
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
