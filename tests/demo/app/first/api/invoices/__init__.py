"""The invoice API."""

__version__ = "4.7.0"
