"""The service's memory: what was seen, what waits, what became of it (SQLite, one file)."""
