"""Where fixes come from: history, advisories, the tools' own fixes, curated transformations."""
