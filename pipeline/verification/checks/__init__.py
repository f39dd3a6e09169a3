"""Checks that need no scanner: does the change parse, and is it a change for the better at all."""
