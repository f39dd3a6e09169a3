"""Comparing two scans of a file, without the fix and with it: is the finding gone, and did nothing new come?"""

from __future__ import annotations

from collections import Counter

from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Severity
from pipeline.source.interface import Span
from pipeline.verification.change import Change
from pipeline.verification.interface import Observed, Scan
from pipeline.verification.masks import only_renamed, only_uncovered
from pipeline.verification.reports import rule_name, rule_names
from pipeline.verification.weights import weight

ORDER = tuple(Severity)
_NEAR = 3
"""Lines a finding may be reported away from where CI saw it: another version, another report format."""


def target_of(finding: Finding, change: Change, scan: Scan) -> Observed | None:
    """Return the finding as the repeated scan of the unchanged file sees it, None when it doesn't."""
    wanted = _rules(finding)
    same = [one for one in scan.findings if wanted & set(one.rules)]
    if not same:
        return None
    nearest = min(same, key=lambda one: (_distance(change.flagged, (one.start_line, one.end_line)), one.start_line))
    return nearest if _distance(change.flagged, (nearest.start_line, nearest.end_line)) <= _NEAR else None


def still_there(target: Observed, change: Change, before: Scan, after: Scan) -> str | None:
    """Return where the same rule still reports the weakness, None when it is gone.

    There must be fewer findings of the rule in the file, none of them at the flagged lines as
    they are now, and each of them one of the others: untouched by the change, or, between the lines
    it replaces, with the same words as before. Moving lines is no cure, nor is joining them.
    """
    old = [one for one in before.findings if set(one.rules) & set(target.rules)]
    new = [one for one in after.findings if set(one.rules) & set(target.rules)]
    if len(new) >= len(old):
        return f"{target.rules[0]} is still reported, line {_nearest(new, change)}"
    place = _mapped(target, change)
    if place is not None and any((one.start_line, one.end_line) == place for one in new):
        return f"{target.rules[0]} is still reported, line {place[0]}"
    others = [one for one in old if one != target]
    expected = Counter(mapped for one in others if (mapped := _mapped(one, change)) is not None)
    inside = Counter(_lines(one, change.before) for one in others if _mapped(one, change) is None)
    for one in new:
        if expected[one.start_line, one.end_line]:
            expected[one.start_line, one.end_line] -= 1
        elif inside[_lines(one, change.after)]:
            inside[_lines(one, change.after)] -= 1
        else:
            return f"{target.rules[0]} is reported in another place, line {one.start_line}"
    return None


def new_finding(target: Observed, before: Scan, after: Scan) -> str | None:
    """Return a finding of equal or higher severity that only the fixed file has, None when there is none."""
    old, new = _counts(before), _counts(after)
    grown = Counter({rules: count - old[rules] for rules, count in new.items() if count > old[rules]})
    for rules in list(grown):
        if set(rules) & set(target.rules) or only_renamed(rules, old, new):
            del grown[rules]
    if only_uncovered(target.rules, grown, old[target.rules] - new[target.rules]):
        return None
    for rules in sorted(grown):
        severity = next(one.severity for one in after.findings if one.rules == rules)
        if weight(rules, severity) <= weight(target.rules, target.severity):
            line = next(one.start_line for one in after.findings if one.rules == rules)
            return f"{rules[0]} ({severity}) is new, line {line}"
    return None


def _rules(finding: Finding) -> set[str]:
    return set(rule_names((finding.rule.id, *finding.aliases))) | {rule_name(finding.rule.id)}


def _counts(scan: Scan) -> Counter[tuple[str, ...]]:
    return Counter(one.rules for one in scan.findings)


def _distance(one: Span, other: Span) -> int:
    return max(0, one[0] - other[1], other[0] - one[1])


def _nearest(found: list[Observed], change: Change) -> int:
    return min((one.start_line for one in found), key=lambda line: abs(line - change.new_span[0]), default=0)


def _lines(one: Observed, text: SourceText) -> tuple[str, ...]:
    """Return the words of the lines a finding stands on, however they are indented."""
    return tuple(" ".join(line.split()) for line in text.lines[one.start_line - 1 : one.end_line])


def _mapped(one: Observed, change: Change) -> Span | None:
    """Return where an untouched finding stands after the change, None when its own lines change."""
    first, last = change.old_span
    shift = len(change.after.lines) - len(change.before.lines)
    if one.end_line < first:
        return one.start_line, one.end_line
    if one.start_line > max(last, first - 1):
        return one.start_line + shift, one.end_line + shift
    return None
