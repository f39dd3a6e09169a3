"""From a URL a scanner saw to the handler in the source that answers it."""
