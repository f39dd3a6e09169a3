"""Measuring the specialists beside the base model."""
