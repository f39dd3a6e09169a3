"""Bringing artifacts in: safe extraction, and recognising the reports in them."""
