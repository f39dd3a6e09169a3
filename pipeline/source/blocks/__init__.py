"""Blocks: what a flagged line lives in, by the rules of each language."""
