"""Examples, their split, and its audit."""
