"""GitHub Actions: finding new workflow runs, judging where they come from, fetching their artifacts."""
