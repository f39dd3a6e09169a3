"""Findings and a sentence model for the tests of the knowledge room, without the real 87 MB one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy

from pipeline.records import Domain, FileLocation, Finding, Location, Rule, Scanner, Severity

WIDTH = 64


class HashedWords:
    """Words to directions, texts to sums of them: like words, like vectors."""

    digest = "hashed-words-1"

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> numpy.ndarray:
        self.embedded += texts
        rows = [sum((self._word(word) for word in re.findall(r"\w+", text.lower())), self._word("")) for text in texts]
        matrix = numpy.array(rows, dtype=numpy.float32).reshape(len(texts), WIDTH)
        return matrix / numpy.maximum(numpy.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)

    def _word(self, word: str) -> numpy.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
        return numpy.random.default_rng(seed).standard_normal(WIDTH)


def finding(
    rule: str, message: str, *, cwes: tuple[int, ...] = (), scanner: str = "tool", help_: str | None = None,
    location: Location | None = None, aliases: tuple[str, ...] = (), name: str | None = None,
) -> Finding:  # fmt: skip
    return Finding(
        fingerprint=hashlib.sha256(f"{rule}{message}".encode()).hexdigest(),
        scanner=Scanner(name=scanner),
        rule=Rule(id=rule, name=name, help=help_, cwes=cwes),
        severity=Severity.HIGH,
        domain=Domain.SAST,
        location=location or FileLocation(path="a.py", start_line=1),
        message=message,
        aliases=aliases,
    )
