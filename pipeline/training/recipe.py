"""What follows from a recipe. Each of its keys is applied, and tested to be."""

from __future__ import annotations

from config.sections.recipe import Recipe

__all__ = ["Recipe", "examples_per_step", "scale"]


def scale(recipe: Recipe) -> float:
    """Return mlx-lm's `scale`, which is alpha / rank."""
    return recipe.alpha / recipe.rank


def examples_per_step(recipe: Recipe) -> int:
    """Return how many examples one optimizer step sees."""
    return recipe.batch_size * recipe.gradient_accumulation
