"""A secret that doesn't show itself."""

from __future__ import annotations

import hashlib


class Secret:
    """A token. Printed, logged or in a traceback it is `***`; `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, for the one header it belongs in."""
        return self._value

    @property
    def digest(self) -> str:
        """Return a name for it that tells nothing: the start of its SHA-256."""
        return hashlib.sha256(self._value.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("A secret is not stored.")
