"""Findings shown and handed on: a table to read, JSON, CSV, SARIF 2.1.0."""
