"""Settings: what can be configured, where it is read from, and the errors everything shares."""
