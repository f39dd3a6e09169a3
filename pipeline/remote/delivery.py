"""A worker's result as the local stages know it: an mlx-lm adapter, the loss curve, the figures."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from pipeline.remote import contract
from pipeline.training import files, peft
from pipeline.training.backend import TrainingJob, TrainingResult

RESULT = "result.json"


def deliver(job: TrainingJob, result: contract.Result, fetched: Path) -> TrainingResult:
    """Fill the job's output folder from what was fetched, whole, and return the figures.

    The PEFT adapter becomes an mlx-lm adapter of the same product, for evaluation, gate and publishing
    to treat it like a local one. It is measured on the base model as it is evaluated here, unquantised,
    whatever it was trained on: what the gate sees is what a user gets.
    """
    output = Path(job.output)
    temporary = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    about = {"quantization": "none", "trained_on": job.recipe.quantization, "device": result.device}
    peft.restore(fetched / contract.ADAPTER, temporary, about)
    files.write(temporary / contract.CURVE, (fetched / contract.CURVE).read_bytes())
    values = {
        field.name: getattr(result, field.name)
        for field in msgspec.structs.fields(TrainingResult)
        if field.name != "adapter"
    }
    delivered = TrainingResult(adapter=job.output, **values)
    files.write(temporary / RESULT, msgspec.json.encode(delivered))
    files.rename_folder(temporary, output)
    return delivered
