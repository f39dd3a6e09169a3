"""Data sets in the forms other trainers and the Hub read."""
