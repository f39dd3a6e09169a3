"""Fixes from past commits: each scanned here before and after, without any CI."""
