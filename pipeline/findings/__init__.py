"""One truth per weakness: severity, domain, redaction, fingerprint, merging."""
