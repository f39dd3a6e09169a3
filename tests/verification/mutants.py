"""Bad fixes of real findings: every cheat we know, made from the code it is to hide."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix, FixSource
from pipeline.source.interface import Span
from pipeline.source.language import language_of

PRAGMAS = {
    "bandit": "# nosec", "ruff": "# noqa", "semgrep": "nosemgrep", "checkov": "checkov:skip={rule}: accepted",
    "trivy": "trivy:ignore:{rule}", "hadolint": "hadolint ignore={rule}", "zizmor": "zizmor: ignore[{rule}]",
    "gitleaks": "gitleaks:allow",
}  # fmt: skip
SLASHED = {"javascript", "typescript", "java", "go", "php", "c", "cpp"}
CODE = {"python", "javascript", "java", "bash"}
SETTINGS_FILES = {
    "bandit": ".bandit", "ruff": "ruff.toml", "semgrep": ".semgrepignore", "checkov": ".checkov.yaml",
    "trivy": ".trivyignore", "hadolint": ".hadolint.yaml", "zizmor": "zizmor.yml", "gitleaks": ".gitleaks.toml",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A bad fix and the cheat it is."""

    cheat: str
    fix: Fix


def mutants(finding: Finding, text: SourceText, flagged: Span) -> Iterator[Mutant]:
    """All cheats that can be made of a finding."""
    maker = _Maker(finding, text, flagged)
    yield from maker.everywhere()
    if language_of(text.path) in CODE:
        yield from maker.code()
    if language_of(text.path) == "python":
        yield from maker.python()
    yield from maker.secrets()


class _Maker:
    def __init__(self, finding: Finding, text: SourceText, flagged: Span) -> None:
        self.finding, self.text = finding, text
        self.first, self.last = flagged
        self.language = language_of(text.path)
        self.mark = "//" if self.language in SLASHED else "#"
        self.lines = text.lines[self.first - 1 : self.last]
        self.indent = re.match(r"\s*", self.lines[0]).group(0)

    def everywhere(self) -> Iterator[Mutant]:
        block = self.text.block(self.first, self.last)
        scanner = self.finding.scanner.name.lower()
        pragma = PRAGMAS[scanner].format(rule=self.finding.rule.id).removeprefix("# ")
        yield self.made("suppressed in the line", self.lines[0] + f"  {self.mark} {pragma}\n" + self.rest())
        yield self.made("suppressed above", f"{self.indent}{self.mark} {pragma}\n{block}")
        yield self.made("a comment", f"{self.indent}{self.mark} reviewed\n{block}")
        yield self.made("commented out", "".join(f"{self.mark} {line}\n" for line in self.lines))
        yield self.made("blank lines", "\n" + block)
        yield self.whole("file emptied", f"{self.mark} nothing here\n" if self.language != "json" else "{}\n")
        yield self.elsewhere("another file", "README.md", "# Ledgerline invoices\n", "# Ledgerline invoices, fixed\n")
        yield self.elsewhere(
            "a scanner's settings", SETTINGS_FILES[scanner], "exclude:\n", f"exclude: {self.finding.rule.id}\n"
        )

    def code(self) -> Iterator[Mutant]:
        block = self.text.block(self.first, self.last)
        yield self.made("deleted", "")
        yield self.made("moved to the end", "", tail=block)
        opening, closing = {"python": ("if False:", ""), "bash": ("if false; then", "fi")}.get(
            self.language, ("if (false) {", "}")
        )
        inner = "".join(f"    {line}\n" for line in self.lines)
        yield self.made(
            "switched off", f"{self.indent}{opening}\n{inner}" + (f"{self.indent}{closing}\n" if closing else "")
        )
        yield self.made("syntax broken", block.rstrip("\n") + " ((\n")
        if self.language != "bash":
            stub = {"python": "pass", "javascript": "return null;", "java": "return null;"}[self.language]
            yield self.made("a stub", f"{self.indent}{stub}\n")
            text = block.strip().replace('"', '\\"').replace("\n", " ")
            yield self.made("made a text", f'{self.indent}"{text}"' + ("" if self.language == "python" else ";") + "\n")

    def python(self) -> Iterator[Mutant]:
        block = self.text.block(self.first, self.last)
        call = re.search(r"\b((?:[a-z_]\w*\.)+)([a-z_]\w*)\(", block)
        if call:
            owner, name = call.group(1).rstrip("."), call.group(2)
            yield self.made("by getattr", block.replace(f"{owner}.{name}(", f'getattr({owner}, "{name}")(', 1))
            yield self.made(
                "by an alias", f"{self.indent}other = {owner}.{name}\n" + block.replace(f"{owner}.{name}(", "other(", 1)
            )
        variable = re.match(r"\s*([a-z_]\w*) = ", block)
        if variable:
            renamed = re.sub(rf"\b{variable.group(1)}\b", "renamed_value", self.text.text)
            yield self.whole("a name changed", renamed)
        yield self.made("swallowed", f"{self.indent}raise NotImplementedError\n")
        yield self.made("an undefined helper", f"{self.indent}return make_it_safe_somehow()\n")

    def secrets(self) -> Iterator[Mutant]:
        block = self.text.block(self.first, self.last)
        value = re.search(r"[\"']([A-Za-z0-9+/_=-]{12,})[\"']", block)
        if value is None or self.finding.scanner.name.lower() != "gitleaks" or self.language == "bash":
            return
        secret = value.group(1)
        half = len(secret) // 2
        yield self.made("secret in two pieces", block.replace(value.group(0), f'"{secret[:half]}" + "{secret[half:]}"'))
        encoded = base64.b64encode(secret.encode()).decode()
        yield self.made("secret encoded", block.replace(value.group(0), f'decoded("{encoded}")'))
        yield self.made("secret backwards", block.replace(value.group(0), f'"{secret[::-1]}"[::-1]'))

    def rest(self) -> str:
        return self.text.block(self.first + 1, self.last)

    def made(self, cheat: str, replacement: str, tail: str = "") -> Mutant:
        if tail:
            end = len(self.text.lines)
            replacement += self.text.block(self.last + 1, end) + tail
            return self.of(cheat, self.first, end, replacement)
        return self.of(cheat, self.first, self.last, replacement)

    def whole(self, cheat: str, replacement: str) -> Mutant:
        return self.of(cheat, 1, len(self.text.lines), replacement)

    def of(self, cheat: str, first: int, last: int, replacement: str) -> Mutant:
        return Mutant(cheat, Fix(
            fingerprint=self.finding.fingerprint, source=FixSource.MODEL, path=self.text.path, start_line=first,
            end_line=last, before=self.text.block(first, last), replacement=replacement,
        ))  # fmt: skip

    def elsewhere(self, cheat: str, path: str, before: str, replacement: str) -> Mutant:
        return Mutant(cheat, Fix(
            fingerprint=self.finding.fingerprint, source=FixSource.MODEL, path=path, start_line=1,
            end_line=before.count("\n"), before=before, replacement=replacement,
        ))  # fmt: skip
