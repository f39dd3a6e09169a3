"""The always-on service: watches for artifacts and runs the pipeline, one child process at a time."""
