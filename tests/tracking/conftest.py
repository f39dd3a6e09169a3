"""These tests need MLflow, TensorBoard and W&B: they run in `.venv-extras` (`make extras-tests`)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("mlflow") and find_spec("wandb") else ["test_*.py"]
