"""The job's entrypoint on the cluster: starts the training inside Ray Train and says how it ended.

The entrypoint itself computes nothing: one that trained would be orphaned when the head dies, whereas
Ray Train's workers die within seconds. Ray restarts workers that are lost; the head's own death is the
submitter's to notice. What a start may write is settled in the storage (`pipeline.remote.attempt`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from pipeline.remote import attempt, child, contract
from pipeline.remote.layout import Start
from pipeline.remote.ports import free_port
from pipeline.remote.storage.opening import opened

T = TypeVar("T")

LOST_WORKERS = 8
PREEMPTIONS = 100


class Preempted(Exception):
    """The machine is being taken away: a checkpoint is kept, and Ray starts the training on another."""


class Crashed(Exception):
    """The worker ended without saying why; Ray starts it again."""


def main() -> int:
    """Train the job named on the command line; return the worker's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--submission", required=True, type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--gpus", type=float, default=0.0, help="for each worker")
    arguments = parser.parse_args()
    return fit(vars(arguments))


def fit(job: dict[str, Any]) -> int:
    """Run `job` in Ray Train to its end; return the worker's exit code."""
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    ray.init(log_to_driver=True)
    resources: dict[str, float] = {"CPU": 1.0}
    if job["gpus"]:
        resources["GPU"] = job["gpus"]
    trainer = TorchTrainer(
        train_one,
        train_loop_config=job,
        torch_config=TorchConfig(backend="gloo"),  # of this process, which computes nothing: its child does
        scaling_config=ScalingConfig(
            num_workers=job["workers"], use_gpu=bool(job["gpus"]), resources_per_worker=resources
        ),
        run_config=RunConfig(
            name=f"{job['run']}-a{job['submission']}",
            storage_path=_advisory(job["storage"], job["run"]),
            failure_config=FailureConfig(max_failures=LOST_WORKERS, max_preemption_failures=PREEMPTIONS),
        ),
    )
    trainer.fit()
    return ended(job)


def train_one(job: dict[str, Any]) -> None:
    """Train as one of the workers. Raises Preempted or Crashed to be started again; returning ends the job."""
    from ray.train import get_context

    storage, rank = opened(job["storage"]), get_context().get_world_rank()
    start = Start(*_from_rank_zero(lambda: _parts(attempt.claim(storage, job["run"]))))
    leader = _from_rank_zero(_meeting_point)
    watch = Preemption(get_context().get_world_size())
    train = child.trainer(child.command(), _environment(leader))
    with tempfile.TemporaryDirectory(prefix="fixsmith-") as scratch:
        spec = attempt.stage(storage, job["run"], start, Path(scratch))
        if rank == 0:
            code = attempt.run(storage, job["run"], job["submission"], start, spec, train, watch.noticed)
        else:
            code = train(spec, lambda: False)
    if watch.seen and code == contract.STOPPED:
        raise Preempted
    if code not in (contract.DONE, contract.FAILED, contract.STOPPED):
        raise Crashed(f"the worker ended with {code}")


def ended(job: dict[str, Any]) -> int:
    """Return how the training ended, by what its starts left in the storage."""
    from pipeline.remote.results import last_event, result_of

    storage = opened(job["storage"])
    if result_of(storage, job["run"]) is not None:
        return contract.DONE
    said = last_event(storage, job["run"])
    return contract.FAILED if said is not None and said.kind == "failed" else contract.STOPPED


class Preemption:
    """Ray's notice that the machine will be taken away. With several workers it would have to be asked in step."""

    def __init__(self, workers: int) -> None:
        self._alone = workers == 1
        self.seen = False

    def noticed(self) -> bool:
        """Tell whether the machine is being taken away."""
        if self._alone and not self.seen:
            from ray.train import get_preemption_info

            self.seen = get_preemption_info() is not None
        return self.seen


def _from_rank_zero(make: Callable[[], T]) -> T:
    """Return what rank 0 makes, on every rank."""
    from ray.train import get_context
    from ray.train.collective import broadcast_from_rank_zero

    made = make() if get_context().get_world_rank() == 0 else None
    return cast("T", broadcast_from_rank_zero(made))


def _parts(start: Start) -> tuple[int, str]:
    return start.number, start.mark


def _meeting_point() -> tuple[str, int]:
    """Return where the workers find each other: this machine and a free port of it."""
    import ray

    return ray.util.get_node_ip_address(), free_port()


def _environment(leader: tuple[str, int]) -> dict[str, str]:
    """Return what torch.distributed reads, as torchrun would set it; nothing for one worker alone."""
    from ray.train import get_context

    context = get_context()
    if context.get_world_size() == 1:
        return {}
    return {
        "MASTER_ADDR": leader[0],
        "MASTER_PORT": str(leader[1]),
        "RANK": str(context.get_world_rank()),
        "WORLD_SIZE": str(context.get_world_size()),
        "LOCAL_RANK": str(context.get_local_rank()),
        "LOCAL_WORLD_SIZE": str(context.get_local_world_size()),
    }


def _advisory(storage: str, run: str) -> str:
    """Return where Ray Train keeps its own state, which nothing of ours depends on."""
    from urllib.parse import urlsplit

    parts = urlsplit(storage)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{run}/ray").geturl()


if __name__ == "__main__":
    sys.exit(main())
