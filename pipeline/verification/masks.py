"""Findings that are new in a report and yet not new in the code: see docs/decisions/0008.

A scanner that asks "how is it encrypted?" has nothing to ask while nothing is encrypted, and one that has a rule
for each type of resource names the same weakness anew when the type changes. Each entry was seen with Trivy 0.59.1 or
Checkov 3.3.30.
"""

from __future__ import annotations

from collections import Counter

SAME = (frozenset({"aws79", "aws80"}), frozenset({"aws177", "aws343"}))
"""Rules that say one thing of two types of resource: encryption, deletion protection (RDS instance, RDS cluster)."""

HIDES = {
    "nif21": frozenset({"nif20"}),
    "aws54": frozenset({"aws47"}),
    "azu27": frozenset({"azu25"}),
    "ksv17": frozenset({"ksv118"}),
    "ksv22": frozenset({"ksv118"}),
    "ksv25": frozenset({"ksv118"}),
    "ksv27": frozenset({"ksv118"}),
    "ckv-aws-27": frozenset({"ckv2-aws-73"}),
    "ckv-k8s-16": frozenset({"ckv-k8s-25"}),
}
"""What a weakness keeps from being reported, because it is the lesser form of it.

Plain HTTP hides an old TLS version; no audit log hides a short one; a dangerous entry in an otherwise empty
security context hides that nothing in it protects. A queue that isn't encrypted hides that its key isn't one's own, a
privileged container that single capabilities are added.
"""

Rules = tuple[str, ...]


def only_renamed(rules: Rules, old: Counter[Rules], new: Counter[Rules]) -> bool:
    """Tell whether a rule is reported more often only because one that says the same is reported less often."""
    return any(set(rules) & group and _total(group, new) <= _total(group, old) for group in SAME)


def only_uncovered(target: Rules, grown: Counter[Rules], gone: int) -> bool:
    """Tell whether all that is new was hidden by the finding that is gone, once for each time it is gone."""
    hidden = frozenset[str]().union(*(HIDES.get(rule, frozenset()) for rule in target))
    return bool(grown) and all(set(rules) & hidden and count <= gone for rules, count in grown.items())


def _total(group: frozenset[str], counts: Counter[Rules]) -> int:
    return sum(count for rules, count in counts.items() if group & set(rules))
