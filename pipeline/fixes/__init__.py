"""Where fixes come from: history, advisories, the tools themselves."""
