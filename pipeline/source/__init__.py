"""The source tree at a commit, and the excerpt around a finding."""
