"""Configuration that says the same in other words, or of another kind of thing: nothing was mended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from pipeline.fixes.code import code_lines
from pipeline.verification.change import Change, difference

LANGUAGES = frozenset({"dockerfile", "yaml", "hcl", "json", "toml", "xml", "ini", "properties"})
_TRUE = re.compile(r"(?i)([:=]\s*)(?:!\s*false|yes|on|y|true)\s*(,?)$")
_OPENER = re.compile(r"^(?:-\s+)?[\w./-]+\s*(?::\s*(?:[|>][+-]?)?|(?:\"[^\"]*\"\s*)*=?\s*[{\[])$")
_NOISE = re.compile(r"!!\w+\s*|(?<=[:\s])&\w+\s+|[\"']")
_DEFINED = {
    "dockerfile": re.compile(r"^(?:ARG|ENV)\s+(\w+)[= ]([^\s]+)$", re.IGNORECASE),
    "hcl": re.compile(r"^(\w+)\s*=\s*(\"[^\"$]*\"|true|false|\d+|\[.*\])$"),
    "yaml": re.compile(r"^(?:-\s+)?[\w.-]+\s*:\s*&(\w+)\s+(\S.*)$"),
}
_DEFAULT = re.compile(
    r"variable\s+\"(\w+)\"\s*\{[^{}]*?\bdefault\s*=\s*(\"[^\"$]*\"|true|false|\d+|\[[^\]]*\])|"
    r"^  ([A-Za-z]\w*):\s*\n(?:    .*\n)*?    Default:\s*(\S+)",
    re.MULTILINE,
)
_REFERENCE = {
    "dockerfile": re.compile(r"\$\{(\w+)(?::?-[^}]*)?\}|\$(\w+)"),
    "hcl": re.compile(r"\$\{(?:local|var)\.(\w+)\}|\b(?:local|var)\.(\w+)\b"),
    "yaml": re.compile(r"(?<=[\s\[])\*(\w+)|!Ref\s+(\w+)"),
}
_KINDS = {
    "hcl": re.compile(r"^(?:resource|data)\s+\"?(\w+?)_\w+\"?"),
    "yaml": re.compile(r"^\"?(?:Type\"?:\s*\"?(\w+)::\w+|kind\"?:\s*\"?(\w+))"),
    "json": re.compile(r"^\"?(?:Type\"?:\s*\"?(\w+)::\w+|kind\"?:\s*\"?(\w+))"),
}
_KNOWN = frozenset(
    """Pod Deployment StatefulSet DaemonSet ReplicaSet ReplicationController Job CronJob List Service Ingress Role
    ClusterRole RoleBinding ClusterRoleBinding ServiceAccount NetworkPolicy ConfigMap Secret Namespace
    PersistentVolumeClaim PersistentVolume StorageClass HorizontalPodAutoscaler PodDisruptionBudget
    PodSecurityPolicy CustomResourceDefinition""".split()  # noqa: SIM905
)


def same_settings(change: Change) -> str | None:
    """Return how a configuration says what it said before, None when it says something else."""
    if change.language not in LANGUAGES:
        return None
    checks = (_same_value, _another_kind, _renamed_block)
    return next((reason for check in checks if (reason := check(change)) is not None), None)


def _same_value(change: Change) -> str | None:
    """The flagged settings stand there still, with values spelled otherwise or by a name defined in the file."""
    gone, fresh = difference(change)
    flagged = Counter(code_lines(change.path, change.before.block(*change.flagged)))
    meant = [line for line in gone if flagged[line]]
    new = set(resolved(change, fresh))
    if meant and all(line in new for line in resolved(change, meant)):
        return "the same value stands there in other words"
    return None


def resolved(change: Change, lines: Iterable[str]) -> list[str]:
    """Return lines with names replaced by what the fixed file says they are, and one spelling for each value."""
    values = _values(change)
    return [_plain(_replaced(line, change.language, values)) for line in lines]


def _values(change: Change) -> dict[str, str]:
    pattern = _DEFINED.get(change.language)
    found: dict[str, str] = {}
    for line in code_lines(change.path, change.after.text) if pattern is not None else ():
        if match := pattern.match(line) if pattern is not None else None:
            found[match.group(1)] = match.group(2)
    for match in _DEFAULT.finditer(change.after.text):
        name, value = (part for part in match.groups() if part is not None)
        found[name] = value
    return found


def _replaced(line: str, language: str, values: Mapping[str, str]) -> str:
    pattern = _REFERENCE.get(language)
    if pattern is None:
        return line
    return pattern.sub(lambda match: values.get(match.group(1) or match.group(2) or "", match.group(0)), line)


def _plain(line: str) -> str:
    line = _TRUE.sub(r"\1true\2", " ".join(_NOISE.sub("", line).split()))
    return re.sub(r"\[\[(.*)\]\]", r"[\1]", re.sub(r"\s*([:=,\[\]])\s*", r"\1", line)).rstrip(",")


def _another_kind(change: Change) -> str | None:
    """A thing of another provider, or of a kind nobody knows, is looked at by no rule."""
    pattern = _KINDS.get(change.language)
    if pattern is None:
        return None
    gone, fresh = (_named(pattern, lines) for lines in difference(change))
    for kind in fresh if gone else ():
        unknown = kind not in _KNOWN if gone & _KNOWN else not gone & {kind}
        if unknown:
            return f"it is made another kind of thing ({kind})"
    return None


def _named(pattern: re.Pattern[str], lines: Iterable[str]) -> set[str]:
    return {part for line in lines if (match := pattern.match(line)) for part in match.groups() if part}


def _renamed_block(change: Change) -> str | None:
    """Only lines that open a block differ: what stands in it is the same."""
    gone, fresh = difference(change)
    flagged = code_lines(change.path, change.before.block(*change.flagged))
    if (
        re.search(r"trigger", change.finding.rule.id)
        or len(gone) != len(fresh)
        or not gone
        or (len(flagged) == 1 and flagged[0] in gone)
    ):
        return None
    if change.language in ("yaml", "hcl", "json") and all(_OPENER.match(line) for line in (*gone, *fresh)):
        return "only the name of the block changes"
    return None
