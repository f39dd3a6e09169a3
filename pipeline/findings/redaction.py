"""Secrets out of every text, before anything of it touches disk.

A secret becomes `[redacted:KIND:8 hex digits]`; the digits are an HMAC-SHA256 under a key that
never leaves the workspace, so that equal secrets stay equal and none can be guessed.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from ahocorasick_rs import AhoCorasick

from config.errors import Error
from pipeline.findings.known_secrets import SURROGATE, KnownSecrets
from pipeline.findings.named_secrets import NEEDLES, find_named_secrets
from pipeline.findings.secret_context import secret_of
from pipeline.findings.secret_rules import SecretRule, rules

KEY_FILE = "redaction.key"
KEY_BYTES = 32
PLACEHOLDER = re.compile(r"\[redacted:[a-z0-9\-]{1,32}:[0-9a-f]{8}\]")
_SPLIT = re.compile(r"(\[redacted:[a-z0-9\-]{1,32}:[0-9a-f]{8}\])")
MAX_PASSES = 8
CACHED_TEXTS, CACHED_LENGTH = 20_000, 100_000
SHORTEST_FORM = 20
"""Characters of the shortest secret known by its form alone: rules without a needle aren't tried on less."""


class Span(msgspec.Struct, frozen=True):
    """A secret found in a text; `rank` decides between kinds for one place, lower first."""

    start: int
    end: int
    rank: int
    kind: str


class Redactor:
    """Replaces secrets in texts: those the scanners named, and those that look like one."""

    def __init__(self, key: bytes, known_secrets: Iterable[str] = ()) -> None:
        self._key = key
        self._rules = rules()
        self._named = len(self._rules)
        self._needles = _Needles([*(rule.needles for rule in self._rules), NEEDLES])
        self._known = KnownSecrets(known_secrets)
        self._seen: dict[str, str] = {}
        self._kinds: dict[str, str] = {}

    def redact(self, text: str) -> str:
        """Return the text without secrets; what is already redacted stays as it is."""
        found = self._seen.get(text)
        if found is None:
            found = self._until_stable(text)
            if len(self._seen) >= CACHED_TEXTS:
                self._seen.clear()
            if len(text) <= CACHED_LENGTH:
                self._seen[text] = found
        return found

    def placeholder(self, kind: str, secret: str) -> str:
        """Return what stands for a secret: the same for the same secret."""
        digest = hmac.digest(self._key, secret.encode("utf-8", "surrogatepass"), "sha256")
        return f"[redacted:{kind}:{digest[:4].hex()}]"

    def _until_stable(self, text: str) -> str:
        """Redact again what a replacement laid bare, so that redacting twice changes nothing."""
        done: dict[str, str] = {}
        for _ in range(MAX_PASSES):
            parts = _SPLIT.split(text)
            for position in range(0, len(parts), 2):
                part = parts[position]
                if part and part not in done:
                    done[part] = self._segment(part)
                parts[position] = done[part] if part else part
            changed = "".join(parts)
            if changed == text:
                break
            text = changed
        return text

    def _segment(self, text: str) -> str:
        pieces, position = [], 0
        for start, end, kind in _clusters(self._spans(text)):
            pieces += [text[position:start], self.placeholder(kind, text[start:end])]
            position = end
        return "".join(pieces) + text[position:] if pieces else text

    def _spans(self, text: str) -> Iterator[Span]:
        for start, end in self._known.find(text):
            yield Span(start, end, -1, self._kind_of(text[start:end]))
        yield from self._ruled(text)

    def _ruled(self, text: str) -> Iterator[Span]:
        lowered = text.lower()
        ranks = self._needles.ranks(lowered)
        if self._named in ranks:
            for start, end, kind in find_named_secrets(text):
                yield Span(start, end, self._named, kind)
        for rank in sorted(ranks - {self._named}):
            yield from _matches(self._rules[rank], rank, text)

    def _kind_of(self, secret: str) -> str:
        """Return the kind of a secret a scanner named, when a rule knows it whole."""
        kind = self._kinds.get(secret)
        if kind is None:
            whole = (span for span in self._ruled(secret) if span.start == 0 and span.end == len(secret))
            kind = min(whole, key=lambda span: span.rank, default=Span(0, 0, 0, "secret")).kind
            self._kinds[secret] = kind
        return kind


class _Needles:
    """Which rules are worth trying on a text: those of which it holds a needle."""

    def __init__(self, needles: Sequence[tuple[str, ...]]) -> None:
        by_needle: dict[str, set[int]] = {}
        for rank, words in enumerate(needles):
            for word in words:
                by_needle.setdefault(word, set()).add(rank)
        self._always = frozenset(rank for rank, words in enumerate(needles) if not words)
        self._ranks = list(by_needle.values())
        self._automaton = AhoCorasick(by_needle, store_patterns=False)

    def ranks(self, lowered: str) -> set[int]:
        """Return the rules to try on a text in lower case."""
        found = set(self._always) if len(lowered) >= SHORTEST_FORM else set()
        try:
            matches = self._automaton.find_matches_as_indexes(lowered, overlapping=True)
        except UnicodeEncodeError:  # a lone surrogate
            matches = self._automaton.find_matches_as_indexes(SURROGATE.sub("?", lowered), overlapping=True)
        for index in {match[0] for match in matches}:
            found |= self._ranks[index]
        return found


def _matches(rule: SecretRule, rank: int, text: str) -> Iterator[Span]:
    for match in rule.pattern.finditer(text):
        if rule.accept is not None and not rule.accept(match):
            continue
        secret = secret_of(match)
        if len(secret) < 8 and rule.accept is None:
            secret = match[0]
        start = text.index(secret, match.start(), match.end()) if secret != match[0] else match.start()
        yield Span(start, start + len(secret), rank, rule.kind)


def _clusters(spans: Iterable[Span]) -> Iterator[tuple[int, int, str]]:
    """Yield places to replace: overlapping finds become one place, of the kind that covers most."""
    group: list[Span] = []
    end = -1
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.rank)):
        if span.start >= end and group:
            yield _cover(group)
            group = []
        group.append(span)
        end = max(end, span.end) if len(group) > 1 else span.end
    if group:
        yield _cover(group)


def _cover(group: list[Span]) -> tuple[int, int, str]:
    best = min(group, key=lambda span: (span.start - span.end, span.rank))
    return min(span.start for span in group), max(span.end for span in group), best.kind


def load_key(workspace: Path) -> bytes:
    """Return the workspace's redaction key, made on first use: readable by its owner, whole or absent."""
    path = workspace / KEY_FILE
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return _make_key(path)
    if len(key) != KEY_BYTES:
        raise Error(f"{path} isn't a redaction key.", "Move it away; a new one is made, and redacted values change.")
    return key


def _make_key(path: Path) -> bytes:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_bytes(KEY_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_bytes()
