"""Applications of each framework, and which handler answers which URL: (method, URL, text of the handler or None)."""
