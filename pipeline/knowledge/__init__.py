"""What is known about a weakness: the corpus, its index, and the passages retrieved for a finding."""
