"""The scanners that can be run again, one file each; `registry.RUNNERS` is the list."""
