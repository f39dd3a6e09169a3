"""Curated transformations for common rules: several where several are right, each with its trade-off in a line.

A transformation rewrites the flagged lines by a pattern. It is a proposal like any other: what
the scanner doesn't confirm is never learned or shown.
"""

# ruff: noqa: E501 - a table

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.fixes.flagged import flagged_lines
from pipeline.fixes.interface import Case, Refusal
from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix, FixSource

LONGEST = 6
"""More flagged lines than this name a block: which of them is meant isn't clear."""


class Transformation(NamedTuple):
    """For rules whose name matches `rules`: what `pattern` finds becomes `replacement`, because of `note`."""

    rules: re.Pattern[str]
    pattern: re.Pattern[str]
    replacement: str
    note: str


def _of(rules: str, pattern: str, replacement: str, note: str) -> Transformation:
    return Transformation(re.compile(rules, re.IGNORECASE), re.compile(pattern), replacement, note)


_YAML, _HASH = r"[BS]506$|yaml.*(unsafe|load)", r"[BS]324$|weak-?(hash|digest)|md5|sha1"
_SECURE = r"encrypt|public|delet|rotat|AWS|AZU|GCP|rds|s3|kms|ecr|sqs|ebs|efs"
TRANSFORMATIONS: tuple[Transformation, ...] = (
    _of(_YAML, r"yaml\.load\((\w+)[^)]*\)", r"yaml.safe_load(\1)", "Plain data only; tags that make objects are refused."),
    _of(_YAML, r"Loader=yaml\.\w+", "Loader=yaml.SafeLoader", "The call keeps its form; only plain data is loaded."),
    _of(_HASH, r"hashlib\.(?:md5|sha1)\(", "hashlib.sha256(", "A strong digest; stored digests have to be made again."),
    _of(_HASH, r"hashlib\.(md5|sha1)\(([^()]*)\)", r"hashlib.\1(\2, usedforsecurity=False)",
        "The digest stays the same; right only where nothing depends on its strength."),
    _of(_HASH, r"createHash\((['\"])(?:md5|sha1)['\"]\)", r"createHash(\1sha256\1)", "A strong digest; old ones differ."),
    _of(_HASH, r"getInstance\(\"(?:MD5|SHA-?1)\"\)", 'getInstance("SHA-256")', "A strong digest; old ones differ."),
    _of(r"[BS]501$|verify|tls|certificate", r"verify\s*=\s*False", "verify=True", "Certificates are checked."),
    _of(r"verify|tls|certificate|unauthorized", r"rejectUnauthorized:\s*false", "rejectUnauthorized: true",
        "Certificates are checked; a private authority has to be given as `ca`."),
    _of(r"[BS]113$|timeout", r"(requests\.\w+\([^()]*(?:\([^()]*\)[^()]*)*)\)", r"\1, timeout=10)",
        "A silent server can't hold the caller; slow ones need a larger number."),
    _of(r"[BS]201$|debug", r"debug\s*=\s*True", "debug=False", "No debugger for callers."),
    _of(r"[BS]103$|chmod|permission", r"0o?77[0-7]\b", "0o750", "Nobody but owner and group; others lose access."),
    _of(r"cookie", r"\b(secure|httpOnly):\s*false", r"\1: true", "The cookie is kept from plain HTTP and scripts."),
    _of(r"DL3020|DOCKER_4|DS0*5$", r"^(\s*)ADD\s", r"\1COPY ", "COPY neither fetches nor unpacks."),
    _of(r"DL3015|DS0*29", r"apt-get install(?! --no-install-recommends)", "apt-get install --no-install-recommends",
        "Less in the image; what was only recommended has to be named."),
    _of(r"DL3042", r"pip install(?! --no-cache-dir)", "pip install --no-cache-dir", "No cache in the layer."),
    _of(r"privileged|DOCKER|K8S_16|KSV0*17", r"privileged:\s*true", "privileged: false", "The container loses the host's devices."),
    _of(r"escalation|K8S_20|KSV0*1$", r"allowPrivilegeEscalation:\s*true", "allowPrivilegeEscalation: false",
        "No process gets more rights than its parent."),
    _of(r"host-?network|K8S_19|KSV0*9$", r"hostNetwork:\s*true", "hostNetwork: false", "The pod gets a network of its own."),
    _of(_SECURE, r"\b(storage_encrypted|encrypted|deletion_protection|enable_key_rotation|scan_on_push|block_public_\w+"
        r"|ignore_public_acls|restrict_public_buckets|drop_invalid_header_fields|sqs_managed_sse_enabled)(\s*=\s*)false",
        r"\1\2true", "On; some of these replace the resource when it exists already."),
    _of(_SECURE, r"\b(publicly_accessible|skip_final_snapshot)(\s*=\s*)true", r"\1\2false", "Reached from inside only."),
)  # fmt: skip


class Curated:
    """Applies the table to the flagged lines of a finding."""

    source = FixSource.CURATED

    def propose(self, case: Case) -> Iterator[Fix | Refusal]:
        """Yield a fix for each transformation that fits, in the table's order."""
        if case.later is not None:
            return
        names = (case.finding.rule.id, *case.finding.aliases)
        fitting = [one for one in TRANSFORMATIONS if any(one.rules.search(name) for name in names)]
        found = flagged_lines(case.finding, case.here) if fitting else None
        if found is None:
            return
        text, (first, last) = found
        lines = range(first, last + 1) if last - first < LONGEST else range(first, first)
        for one in fitting:
            yield from _fixes(case.finding, text, lines, one)


def _fixes(finding: Finding, text: SourceText, lines: range, one: Transformation) -> Iterator[Fix]:
    for line in lines:
        before = text.block(line, line)
        after = one.pattern.sub(one.replacement, before)
        if after != before:
            yield Fix(
                fingerprint=finding.fingerprint,
                source=FixSource.CURATED,
                path=text.path,
                start_line=line,
                end_line=line,
                before=before,
                replacement=after,
                note=one.note,
            )
            return
