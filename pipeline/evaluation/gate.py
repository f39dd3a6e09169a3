"""The gate: a new model is let through only when it is better, by more than chance, and no worse elsewhere.

`decide` is a pure function of a report and a policy. Every rule is named with its figure and its
threshold, whether it passed or not. What a limit is set for and wasn't measured doesn't pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.errors import Error
from config.settings import Gate as Policy
from config.settings import Settings
from pipeline.evaluation.metrics import METRICS
from pipeline.evaluation.page.document import document
from pipeline.evaluation.report import BASE, Report, Row
from pipeline.evaluation.statistics import Comparison, judge
from pipeline.evaluation.verdict import VERDICT, GateVerdict, Judgement, Rule, Specialist, sentence
from pipeline.stage import Context, Request, write_atomically

STAGES: dict[str, Specialist] = {"stage-1": "analysis", "stage-2": "codefix", "single": "single"}
CONSTANT = "constant answer"
_ROUNDING = 1e-9  # 0.80 - 0.75 is more than 0.05 to a computer
PAGE = "report.html"


class Gate:
    """Stage `gate`: `verdict.json`, and the page with the verdict on it; `require_better` makes it exit code 4."""

    name = "gate"
    needs: tuple[str, ...] = ("evaluate",)

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the policy."""
        return {"gate": msgspec.structs.replace(settings.gate, champion="")}

    def run(self, context: Context) -> dict[str, Any]:
        """Judge the report and write the verdict."""
        report = read_report(context.inputs["evaluate"] / "evaluation" / "report.json")
        verdict = decide(report, context.settings.gate)
        write_atomically(context.folder / VERDICT, msgspec.json.format(msgspec.json.encode(verdict)) + b"\n")
        write_atomically(context.folder / PAGE, document(report, verdict=verdict).encode())
        for one in verdict.judgements:
            if verdict.passed and not one.better:
                context.warn(f"{sentence(one)} It isn't published.")
        figures = {one.specialist: one.rules[0].sentence for one in verdict.judgements if one.better}
        return {"better": verdict.better, "passed": list(verdict.passed), "figures": figures}


def read_report(path: Path) -> Report:
    """Return a report; raise Error when it can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as error:
        raise Error(f"The evaluation report can't be read: {error}.", "Repeat the stage evaluate.") from error


def decide(report: Report, policy: Policy) -> GateVerdict:
    """Judge every trained model of a report by the policy."""
    judgements = tuple(_judge(report, policy, model, STAGES[model]) for model in report.models if model in STAGES)
    return GateVerdict(better=bool(judgements) and all(one.better for one in judgements), judgements=judgements)


def _judge(report: Report, policy: Policy, model: str, specialist: Specialist) -> Judgement:
    primary = _primary(policy, specialist)
    against = {role: opponent(report, role) for role in primary}
    rules = [_wins(report, model, against[role], metric) for role, metric in primary.items()]
    rules += [_beats_constant(report, model, metric) for metric in primary.values()]
    if "codefix" in primary:
        rules.append(_still_verifies(report, model, against["codefix"]))
    if specialist == "codefix":
        rules.append(_remembers(report, policy, model))
    rules += _limits(report, policy, model, specialist)
    return Judgement(
        specialist=specialist,
        model=model,
        against=" and ".join(dict.fromkeys(against.values())),
        better=all(rule.passed is not False for rule in rules),
        rules=tuple(rules),
    )


def opponent(report: Report, role: Specialist) -> str:
    """Return who is to be beaten in a role: the champion that holds it, the first time the base."""
    holders = (f"champion-{role}", "champion-single")
    return next((name for name in holders if name in report.models), BASE)


def _primary(policy: Policy, specialist: Specialist) -> dict[Specialist, str]:
    """Return the metric of each role a specialist plays."""
    metrics: dict[Specialist, str] = {"analysis": policy.analysis_metric, "codefix": policy.codefix_metric}
    return metrics if specialist == "single" else {specialist: metrics[specialist]}


def _wins(report: Report, model: str, against: str, metric: str) -> Rule:
    """The challenger is better than its opponent, and the interval of the difference leaves out zero."""
    comparison = _planned(_comparison(report, model, against, metric), metric)
    label = METRICS[metric].label
    if comparison is None:
        return _rule("better", False, None, 0.0, f"{label} wasn't measured for both {model} and {against}")
    said = f"{label} differs by {comparison.difference:+.3f} {_bounds(comparison)}: {comparison.verdict}"
    return _rule("better", comparison.verdict == "better", comparison.difference, 0.0, said)


def _beats_constant(report: Report, model: str, metric: str) -> Rule:
    """The challenger is better than one answer to everything, by more than chance."""
    comparison = _planned(_comparison(report, model, CONSTANT, metric), metric)
    label = METRICS[metric].label
    if comparison is None:
        return _rule("beats the constant answer", None, None, 0.0, f"{label} of a constant answer can't be measured")
    said = f"against one answer to everything, {label} differs by {comparison.difference:+.3f} {_bounds(comparison)}"
    return _rule("beats the constant answer", comparison.verdict == "better", comparison.difference, 0.0, said)


def _still_verifies(report: Report, model: str, against: str) -> Rule:
    """Whatever the primary metric is, the share of fixes the scanner confirms may not fall."""
    comparison = _planned(_comparison(report, model, against, "fix_verified"), "fix_verified")
    if comparison is None:
        return _rule("verified fixes", None, None, 0.0, "no fix could be verified: give --source and have its scanners")
    said = f"the share of verified fixes differs by {comparison.difference:+.3f} {_bounds(comparison)}"
    return _rule("verified fixes", comparison.verdict != "worse", comparison.difference, 0.0, said)


def _planned(comparison: Comparison | None, metric: str) -> Comparison | None:
    """Judge by p itself: the policy named this one metric beforehand, so nothing is to be corrected for."""
    if comparison is None:
        return None
    return judge(comparison, comparison.p, higher_is_better=METRICS[metric].higher_is_better)


def _remembers(report: Report, policy: Policy, model: str) -> Rule:
    """Stage 2 loses no more than the budget on stage 1's test: for a loss, as a share of it."""
    metric = policy.analysis_metric
    after, before = _value(_find(report, model), metric), _value(_find(report, "stage-1"), metric)
    name, label = "remembers stage 1", METRICS[metric].label
    if after is None or before is None:
        return _rule(name, False, None, policy.forgetting_budget, f"{label} wasn't measured before and after stage 2")
    lost = before - after if METRICS[metric].higher_is_better else (after - before) / max(abs(before), 1e-9)
    said = f"{label} was {before:.3f} after stage 1 and is {after:.3f} after stage 2"
    return _rule(name, lost <= policy.forgetting_budget + _ROUNDING, lost, policy.forgetting_budget, said)


def _limits(report: Report, policy: Policy, model: str, specialist: Specialist) -> list[Rule]:
    row, details = _find(report, model), report.details.get(model, {})
    rules = [
        _exposed(details.get("exposure"), policy.max_exposure),
        _secrets(details.get("secrets")),
        _fused(details.get("fused"), policy.min_fused),
    ]
    if specialist == "codefix":
        return rules
    limits = (
        ("false_positives", policy.max_false_positives),
        ("unparsable", policy.max_unparsable),
        ("unfaithful", policy.max_unfaithful),
    )
    return [_at_most(name, _value(row, name), most) for name, most in limits] + rules


def _at_most(metric: str, figure: float | None, most: float) -> Rule:
    """A share stays within its limit; one that isn't known passes only where the limit allows everything."""
    label, what = METRICS[metric].label, METRICS[metric].explanation
    if figure is None:
        said = f"there was nothing to measure this on: {what}"
        return _rule(label, None if most >= 1.0 else False, None, most, said)
    return _rule(label, figure <= most + _ROUNDING, figure, most, f"{figure:.0%} {what}, at most {most:.0%} allowed")


def _exposed(bits: float | None, most: float) -> Rule:
    said = "no canaries were planted" if bits is None else f"a canary is exposed by {bits:.1f} bits, at most {most:.1f}"
    return _rule("canaries", None if bits is None else bits <= most + _ROUNDING, bits, most, said)


def _secrets(count: int | None) -> Rule:
    said = "no answer was looked at" if count is None else f"{count} pieces of the answers are shaped like a secret"
    return _rule("secrets", count == 0, count, 0.0, said)


def _fused(kept: float | None, least: float) -> Rule:
    if kept is None:
        said = "the adapter has no effect that fusing could keep"
        return _rule("fusing", False if least else None, None, least, said)
    said = f"fusing keeps {kept:.1%} of the adapter's effect, at least {least:.0%} needed"
    return _rule("fusing", kept >= least - _ROUNDING, kept, least, said)


def _rule(name: str, passed: bool | None, figure: float | None, threshold: float, said: str) -> Rule:
    return Rule(name=name, passed=passed, figure=figure, threshold=threshold, sentence=said)


def _comparison(report: Report, model: str, against: str, metric: str) -> Comparison | None:
    comparisons: Mapping[str, Mapping[str, Comparison]] = report.comparisons.get(model, {})
    return comparisons.get(against, {}).get(metric)


def _find(report: Report, model: str) -> Row | None:
    rows: Sequence[Row] = report.rows
    return next((row for row in rows if row.model == model), None)


def _value(row: Row | None, metric: str) -> float | None:
    estimate = row.metrics.get(metric) if row else None
    return estimate.value if estimate else None


def _bounds(comparison: Comparison) -> str:
    if comparison.low is None or comparison.high is None:
        return "(too few clusters for an interval)"
    return f"[{comparison.low:+.3f}, {comparison.high:+.3f}], p {comparison.adjusted:.3f}"
