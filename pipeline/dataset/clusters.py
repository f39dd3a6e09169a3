"""What belongs together and so must stand on one side of the split.

Examples are joined when they come from one file (or package, image, page) or when their code
is the same once its own names (`pipeline.dataset.names`), numbers and strings are taken away,
exactly or nearly: word shingles
compared by MinHash (Broder 1997, "On the resemblance and containment of documents").
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

SHINGLE = 5
PERMUTATIONS = 64
BANDS = 16
NEAR = 0.8
MOST_IN_A_BUCKET = 200
"""Pairs compared in one bucket grow with the square of this; those beyond are compared in their other bands."""
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|\"[^\"\n]*\"|'[^'\n]*'|[^\s\w]")
_PRIME = (1 << 61) - 1


class Clusters:
    """Disjoint sets of keys, joined two at a time (union by smallest root, path halving)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, key: str) -> str:
        """Return the cluster a key is in, named by its smallest member."""
        self._parent.setdefault(key, key)
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key

    def join(self, one: str, other: str) -> None:
        """Put two keys, and all that is with them, into one cluster."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first


def cluster(places: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return a cluster name per item: joined by equal `places` and by near-equal `texts`.

    The names depend on the items' content, not on their order.
    """
    clusters = Clusters()
    by_text: dict[str, list[str]] = defaultdict(list)
    for place, text in zip(places, texts, strict=True):
        clusters.find(place)
        by_text[" ".join(normalise(text))].append(place)
    for same, members in by_text.items():
        if same:
            for member in members[1:]:
                clusters.join(members[0], member)
    for one, other in near_pairs(sorted(text for text in by_text if text)):
        clusters.join(by_text[one][0], by_text[other][0])
    return [hashlib.sha256(clusters.find(place).encode()).hexdigest()[:12] for place in places]


def normalise(text: str) -> list[str]:
    """Return the text's tokens, lower case, with numbers and strings replaced by a mark."""
    return [
        "0" if token[0].isdigit() else "''" if token[0] in "\"'" else token.lower() for token in _TOKEN.findall(text)
    ]


def shingles(text: str) -> frozenset[str]:
    """Return the runs of SHINGLE words of a normalised text (the whole text when it is shorter)."""
    words = text.split(" ")
    return frozenset(" ".join(words[start : start + SHINGLE]) for start in range(max(1, len(words) - SHINGLE + 1)))


def near_pairs(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Yield pairs whose shingle sets overlap by NEAR or more (Jaccard), found by banded MinHash."""
    sets = {text: shingles(text) for text in texts}
    buckets: dict[tuple[int, tuple[int, ...]], list[str]] = defaultdict(list)
    rows = PERMUTATIONS // BANDS
    for text in texts:
        signature = minhash(sets[text])
        for band in range(BANDS):
            buckets[band, signature[band * rows : (band + 1) * rows]].append(text)
    seen = set()
    for members in buckets.values():
        for pair in combinations(members[:MOST_IN_A_BUCKET], 2):
            if pair not in seen:
                seen.add(pair)
                if jaccard(sets[pair[0]], sets[pair[1]]) >= NEAR:
                    yield pair


def minhash(shingle_set: frozenset[str]) -> tuple[int, ...]:
    """Return PERMUTATIONS minima of a family of hashes over the set: equal with probability Jaccard."""
    values = [
        int.from_bytes(hashlib.blake2b(shingle.encode(), digest_size=8).digest(), "big") for shingle in shingle_set
    ]
    return tuple(min((value * a + b) % _PRIME for value in values) for a, b in _COEFFICIENTS)


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return |A ∩ B| / |A ∪ B|."""
    return len(one & other) / len(one | other)


def _coefficients() -> tuple[tuple[int, int], ...]:
    def number(label: str) -> int:
        return int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big") % _PRIME

    return tuple((number(f"a{index}") or 1, number(f"b{index}")) for index in range(PERMUTATIONS))


_COEFFICIENTS = _coefficients()
