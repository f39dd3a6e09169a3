"""One file per scanner: from a report's bytes to findings. `SCANNERS` (registry.py) is the list."""
