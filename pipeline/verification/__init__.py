"""Is a fix a fix: applied in a scratch copy, parsed, scanned again, judged."""
