"""What leaves a run: cards, lineage, the release folder."""
