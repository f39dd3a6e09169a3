"""The devices a training runs on, and what their processes tell each other."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import distributed


class Devices:
    """This process's place among those of a training: `rank` of `count`, and its device."""

    def __init__(self) -> None:
        self.joined = False
        if not distributed.is_initialized() and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
            self.joined = True
        self.rank = distributed.get_rank() if distributed.is_initialized() else 0
        self.count = distributed.get_world_size() if distributed.is_initialized() else 1
        self.device = torch.device("cpu")
        if torch.cuda.is_available():
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
            torch.cuda.set_device(self.device)

    def close(self) -> None:
        """Leave the group, if this process made it."""
        if self.joined:
            distributed.destroy_process_group()

    def sum(self, values: list[float]) -> list[float]:
        """Return each value summed over all processes."""
        if self.count == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(tensor)
        return [float(value) for value in tensor]

    def sum_gradients(self, parameters: list[torch.nn.Parameter]) -> None:
        """Replace each gradient by its sum over all processes: one message for all of them."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        if self.count == 1:
            return
        flat = torch.cat([_gradient(parameter).flatten().float() for parameter in parameters])
        distributed.all_reduce(flat)
        parts = flat.split([parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            _gradient(parameter).copy_(part.view_as(parameter))

    def share(self, value: Any) -> Any:
        """Return rank 0's `value` on every rank."""
        if self.count == 1:
            return value
        held = [value]
        distributed.broadcast_object_list(held, src=0, device=self.device)
        return held[0]

    def shard(self, model: Any) -> None:
        """Spread the frozen weights of `model`'s blocks over all devices; what is trained stays whole on each."""
        from torch.distributed.fsdp import fully_shard

        for block in model.layers:
            trained = {parameter for parameter in block.parameters() if parameter.requires_grad}
            fully_shard(block, ignored_params=trained)

    def peak_memory(self) -> int:
        """Return the most memory this process held: of the device, or resident on a CPU. Bytes."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        import resource
        import sys

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    @property
    def name(self) -> str:
        """Return what the device is called."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    gradient = parameter.grad
    if gradient is None:
        raise RuntimeError("a parameter has no gradient")
    return gradient
