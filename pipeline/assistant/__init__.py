"""Using the specialists: asking one a question."""
