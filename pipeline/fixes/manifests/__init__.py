"""Where a dependency's version stands in manifests and lock files, one family a file."""
