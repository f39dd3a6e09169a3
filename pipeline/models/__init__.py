"""Base models: where they come from, how they are read, and what they answer.

Shared by training, evaluation and the assistant. `base`, `embedded` and `blas` are cheap to
import; everything that needs MLX runs in a child process.
"""
