"""MLflow: a local SQLite file, or a server; parameters, metrics, the adapter, and the model in its registry."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.tracking.interface import Tracked

TAG = "fixsmith.training"
_AT_ONCE = 100
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""Nothing is sent home, and a server that is away doesn't hold a training up for minutes."""


class MLflow:
    """One MLflow run a training; one that was interrupted is found by its tag and gone on with."""

    def __init__(self, tracked: Tracked, uri: str) -> None:
        for variable, value in _ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        self._tracked, self._metric = tracked, Metric
        folder = (tracked.folder / "mlflow").absolute()
        if not uri:
            folder.mkdir(parents=True, exist_ok=True)
            uri = f"sqlite:///{folder / 'mlflow.db'}"
        self._client: Any = MlflowClient(tracking_uri=uri, registry_uri=uri)
        local = (folder / "artifacts").as_uri() if uri.startswith("sqlite:") else None
        self._run = self._found(tracked, self._experiment(tracked.experiment, local))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write what was measured at a step."""
        now = int(time.time() * 1000)
        measured = [self._metric(name, value, now, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=measured)

    def done(self, figures: Mapping[str, float], adapter: Path) -> None:
        """Write the figures, keep the adapter's files with the run, and register them as the model's next version."""
        self.metrics(int(figures.get("result/steps", 0)), figures)
        self._client.log_artifacts(self._run, str(adapter), "adapter")
        from mlflow.exceptions import MlflowException

        with contextlib.suppress(MlflowException):  # it is there already
            self._client.create_registered_model(self._tracked.model)
        source = f"{self._client.get_run(self._run).info.artifact_uri}/adapter"
        self._client.create_model_version(self._tracked.model, source, run_id=self._run, tags={TAG: self._tracked.name})

    def close(self, *, failed: bool) -> None:
        """End the run; one that failed stays open, to be gone on with."""
        if not failed:
            self._client.set_terminated(self._run, "FINISHED")

    def _experiment(self, name: str, artifacts: str | None) -> str:
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name, artifact_location=artifacts))

    def _found(self, tracked: Tracked, experiment: str) -> str:
        wanted = f"tags.`{TAG}` = '{tracked.name}' and attributes.status = 'RUNNING'"
        if earlier := self._client.search_runs([experiment], filter_string=wanted, max_results=1):
            return str(earlier[0].info.run_id)
        run = str(self._client.create_run(experiment, run_name=tracked.name, tags={TAG: tracked.name}).info.run_id)
        self._parameters(run)
        return run

    def _parameters(self, run: str) -> None:
        from mlflow.entities import Param

        made = [Param(name, str(value)) for name, value in self._tracked.parameters.items()]
        for start in range(0, len(made), _AT_ONCE):
            self._client.log_batch(run, params=made[start : start + _AT_ONCE])
