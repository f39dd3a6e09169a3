"""Trainings written down for MLflow, TensorBoard or Weights & Biases, whichever backend trains. Off by default."""
