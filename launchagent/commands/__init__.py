"""Commands that install, remove, start and stop the background service."""
