"""The nearest neighbour: the answer of the training example whose question shares the most rare words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

from pipeline.records import Example

_WORD = re.compile(r"[A-Za-z_][\w-]+")


def neighbour(train: Sequence[Example]) -> Callable[[Example], Example | None]:
    """Return a function from a question to its nearest training example: cosine over tf-idf (Salton 1988)."""
    bags = [_words(example) for example in train]
    found_in = Counter(word for bag in bags for word in bag)
    rarity = {word: math.log((1 + len(train)) / (1 + count)) + 1 for word, count in found_in.items()}
    vectors = [_vector(bag, rarity) for bag in bags]

    def nearest(example: Example) -> Example | None:
        if not train:
            return None
        asked = _vector(_words(example), rarity)
        products = [sum(weight * vector.get(word, 0.0) for word, weight in asked.items()) for vector in vectors]
        return train[max(range(len(train)), key=lambda index: (products[index], -index))]

    return nearest


def _words(example: Example) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(example.messages[-2].content))


def _vector(bag: Counter[str], rarity: dict[str, float]) -> dict[str, float]:
    weights = {word: (1 + math.log(count)) * rarity.get(word, 0.0) for word, count in bag.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}
