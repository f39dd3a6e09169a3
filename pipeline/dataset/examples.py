"""From a finding, its excerpt, passages and fixes to training conversations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline.dataset import prompts, prose
from pipeline.dataset.names import without_own_names
from pipeline.knowledge.prompt import render
from pipeline.records import (
    SUPPRESSED,
    Example,
    Excerpt,
    FileLocation,
    Finding,
    Fix,
    FixSource,
    ImageLocation,
    Message,
    PackageLocation,
    Passage,
    Record,
    UrlLocation,
    Verdict,
)

TECHNOLOGIES = (
    (".tf", "terraform"),
    ("dockerfile", "docker"),
    (".github/workflows", "actions"),
    (".pp", "puppet"),
    (".rb", "ruby"),
)


class Material(Record):
    """All that is known about one finding: what examples are made of.

    `knowledge` is the passages as they stand in the prompt.
    """

    finding: Finding
    excerpt: Excerpt | None = None
    passages: tuple[Passage, ...] = ()
    knowledge: str = ""
    fixes: tuple[tuple[Fix, Verdict], ...] = ()


def examples(material: Material) -> Iterator[tuple[str, Example]]:
    """Yield (kind, example): the finding explained, each fix, and each fixed place as safe; none of an accepted one."""
    if accepted(material):
        return
    yield "analysis", analysis(material)
    for number, (fix, verdict) in enumerate(material.fixes):
        made = codefix(material, fix, verdict, number)
        if made is not None:
            yield "codefix", made
    if material.fixes and material.excerpt is not None:
        fix, _ = material.fixes[0]
        if (fits := whole(material.excerpt, fix)) is not None:
            yield "analysis", safe(material, material.excerpt, fits)


def analysis(material: Material) -> Example:
    """Return the example that explains a finding."""
    finding, excerpt = material.finding, material.excerpt
    lines = _lines(finding, excerpt)
    code = prompts.numbered(excerpt, *excerpt.flagged) if excerpt else ""
    first_fix = material.fixes[0][0] if material.fixes else None
    answer = prose.verdict_line(finding, lines) + "\n" + prose.explain(finding, excerpt, material.passages, first_fix)
    return _example(
        prompts.ANALYSIS_SYSTEM,
        prompts.question(finding, code, material.knowledge),
        answer,
        _metadata(finding, kind="analysis", label="vulnerable", lines=lines, material=material) | {"author": "rules"},
    )


def safe(material: Material, excerpt: Excerpt, fix: Fix) -> Example:
    """Return the pair's other half: the same question about the code after the fix."""
    finding, fixed = material.finding, apply(excerpt, fix)
    answer = prose.verdict_line(finding, fixed.flagged, safe=True)
    answer += "\n" + prose.explain_safe(finding, fixed, fix)
    metadata = _metadata(finding, kind="analysis", label="safe", lines=fixed.flagged, material=material)
    return _example(
        prompts.ANALYSIS_SYSTEM,
        prompts.question(finding, prompts.numbered(fixed, *fixed.flagged), material.knowledge),
        answer,
        metadata | {"author": "rules", "source": str(fix.source), "made": utc(fix.made)},
    )


def codefix(material: Material, fix: Fix, verdict: Verdict, number: int) -> Example | None:
    """Return the example that fixes a finding; None when the fix lies outside the excerpt."""
    finding, excerpt = material.finding, material.excerpt
    if excerpt is not None and (fits := whole(excerpt, fix)) is not None:
        fix = fits
        code = prompts.numbered(excerpt, fix.start_line, fix.end_line)
    elif _is_coordinate(finding, fix):
        code = f"<code path={fix.path}>\n>1 {prompts.as_data(fix.before.rstrip())}\n</code>"
    else:
        return None
    metadata = _metadata(finding, "codefix", "fix", (fix.start_line, fix.end_line), material=material)
    metadata |= {
        "source": str(fix.source),
        "verdict": str(verdict.outcome),
        "evidence": verdict.evidence,
        "before": fix.before,
        "start_line": fix.start_line,
        "end_line": fix.end_line,
        "approach": number,
        "note": fix.note or None,
        "commit": fix.commit or None,
        "made": utc(fix.made),
    }
    prompt = prompts.question(finding, code, material.knowledge)
    return _example(prompts.CODEFIX_SYSTEM, prompt, fix.replacement.rstrip("\n"), metadata)


def whole(excerpt: Excerpt, fix: Fix) -> Fix | None:
    """Return the fix as one replacement in the excerpt, changes it needs elsewhere in the file included.

    None when a part of it lies outside: what the answer shows must be all of what was verified.
    """
    if not _inside(excerpt, fix):
        return None
    if not fix.companions:
        return fix
    lines = excerpt.text.split("\n")
    edits = sorted(
        [(fix.start_line, fix.end_line, fix.replacement), *((e.start_line, e.end_line, e.text) for e in fix.companions)]
    )
    first, last = edits[0][0], max(end for _, end, _ in edits)
    shown = excerpt.start_line + len(excerpt.text.rstrip("\n").split("\n")) - 1
    plain = all(edit.start_column is None for edit in fix.companions)
    if not plain or first < excerpt.start_line or last > shown or "shortened" in excerpt.flags:
        return None
    after, line = "", first
    for start, end, text in edits:
        if start < line:
            return None
        kept = lines[line - excerpt.start_line : start - excerpt.start_line]
        after += "".join(f"{one}\n" for one in kept) + (text if text.endswith("\n") or not text else f"{text}\n")
        line = end + 1
    before = lines[first - excerpt.start_line : last - excerpt.start_line + 1]
    changes = {"start_line": first, "end_line": last, "before": "".join(f"{one}\n" for one in before)}
    return msgspec.structs.replace(fix, replacement=after, companions=(), **changes)


def accepted(material: Material) -> bool:
    """Return whether the finding was accepted in its report, and no person fixed it: nobody knows that it's one."""
    fixed = any(fix.source is FixSource.HISTORY for fix, _ in material.fixes)
    return SUPPRESSED in material.finding.flags and not fixed


def unshown(material: Material, fix: Fix) -> str | None:
    """Return why a fix gives no example, None when it gives one."""
    excerpt = material.excerpt
    if (excerpt is not None and whole(excerpt, fix) is not None) or _is_coordinate(material.finding, fix):
        return None
    if excerpt is None:
        return "fix without an excerpt"
    if fix.companions and _inside(excerpt, fix):
        return "fix needs a change outside its excerpt"
    return "fix outside its excerpt"


def _is_coordinate(finding: Finding, fix: Fix) -> bool:
    return bool(fix.before.strip()) and fix.before.strip() == prompts.coordinate(finding)


def utc(time: str) -> str | None:
    """Return an ISO 8601 time in UTC, so that times compare as texts; None for an empty one."""
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def apply(excerpt: Excerpt, fix: Fix) -> Excerpt:
    """Return the excerpt with the fix applied; `flagged` becomes the replaced lines."""
    lines = excerpt.text.split("\n")
    first, last = fix.start_line - excerpt.start_line, fix.end_line - excerpt.start_line
    new = fix.replacement.rstrip("\n").split("\n")
    text = "\n".join([*lines[:first], *new, *lines[last + 1 :]])
    return msgspec.structs.replace(excerpt, text=text, flagged=(fix.start_line, fix.start_line + len(new) - 1))


def place_key(finding: Finding) -> str:
    """Return what the finding shares with others that must stay on its side of the split."""
    match finding.location:
        case FileLocation(path=path):
            return f"file:{path}"
        case PackageLocation(name=name):
            return f"package:{name}"
        case ImageLocation(image=image, package=package):
            return f"package:{package}" if package else f"image:{image}"
        case UrlLocation(url=url):
            return f"url:{url.split('?')[0]}"


def technology(finding: Finding) -> str:
    """Return the technology a finding is about, for the per-technology sets."""
    path = (getattr(finding.location, "path", None) or "").lower()
    for mark, name in TECHNOLOGIES:
        if mark in path:
            return name
    suffix = path.rsplit(".", 1)[-1] if "." in path.rsplit("/", 1)[-1] else ""
    return suffix or str(finding.domain)


def _example(system: str, prompt: str, answer: str, metadata: dict[str, Any]) -> Example:
    messages = (Message(role="system", content=system), Message(role="user", content=prompt))
    return Example(messages=(*messages, Message(role="assistant", content=answer)), metadata=metadata)


def _metadata(
    finding: Finding, kind: str, label: str, lines: tuple[int, int] | None, *, material: Material
) -> dict[str, Any]:
    return {
        "kind": kind,
        "label": label,
        "fingerprint": finding.fingerprint,
        "pair": finding.fingerprint,
        "scanner": finding.scanner.name,
        "scanners": sorted({one.scanner for one in finding.origins if one.scanner} | {finding.scanner.name}),
        "rule": finding.rule.id,
        "cwes": list(finding.rule.cwes),
        "severity": str(finding.severity),
        "domain": str(finding.domain),
        "technology": technology(finding),
        "path": getattr(finding.location, "path", None),
        "place": place_key(finding),
        "lines": list(lines) if lines else None,
        "tier": str(material.excerpt.tier) if material.excerpt else "none",
        "code": _code(material),
    }


def _code(material: Material) -> str:
    """The text near-duplicates are looked for in: the flagged function or lines, else the message."""
    excerpt = material.excerpt
    return without_own_names(excerpt.text, excerpt.path) if excerpt else material.finding.message


def _lines(finding: Finding, excerpt: Excerpt | None) -> tuple[int, int] | None:
    if excerpt is not None:
        return excerpt.flagged
    location = finding.location
    if isinstance(location, FileLocation) and location.start_line is not None:
        return (location.start_line, location.end_line or location.start_line)
    return None


def _inside(excerpt: Excerpt, fix: Fix) -> bool:
    end = excerpt.start_line + len(excerpt.text.rstrip("\n").split("\n")) - 1
    if excerpt.path != fix.path or fix.start_line < excerpt.start_line or fix.end_line > end:
        return False
    lines = excerpt.text.split("\n")[fix.start_line - excerpt.start_line : fix.end_line - excerpt.start_line + 1]
    return [line.rstrip() for line in lines] == [line.rstrip() for line in fix.before.rstrip("\n").split("\n")]


def materials(
    findings: Sequence[Finding],
    excerpts: dict[str, Excerpt],
    passages: dict[str, tuple[Passage, ...]],
    fixes: dict[str, list[tuple[Fix, Verdict]]],
    characters: int,
) -> list[Material]:
    """Join what the stages found out about each finding; passages get `characters` of a prompt."""
    return [
        Material(
            finding=finding,
            excerpt=excerpts.get(finding.fingerprint),
            passages=passages.get(finding.fingerprint, ()),
            knowledge=render(passages.get(finding.fingerprint, ()), characters),
            fixes=tuple(fixes.get(finding.fingerprint, ())),
        )
        for finding in findings
    ]
