"""A worker that keeps the contract without training anything: losses follow from step and data alone.

Stands in for `pipeline.remote.worker` in the package a test sends off, where torch would only cost time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import msgspec

from pipeline.remote import contract

STEPS = 24
SECONDS = 0.02
GATES = (5, 9, 13)
stop = False


def main() -> int:
    global stop
    parser = argparse.ArgumentParser()
    parser.add_argument("--spec", type=Path, required=True)
    path = parser.parse_args().spec
    spec = contract.read_spec(path)

    def ask(*_: object) -> None:
        global stop
        stop = True

    signal.signal(signal.SIGTERM, ask)
    work, output = path.parent / spec.work, path.parent / spec.output
    (work / contract.CHECKPOINTS).mkdir(parents=True, exist_ok=True)

    def say(kind: str, **values: object) -> None:
        event = contract.Event(kind=kind, time=time.time(), attempt=spec.attempt, **values)
        with (work / contract.EVENTS).open("ab") as stream:
            stream.write(msgspec.json.encode(event) + b"\n")

    for name in ("train", "valid"):
        file = getattr(spec.data, name)
        if file and hashlib.sha256((path.parent / file.path).read_bytes()).hexdigest() != file.sha256:
            say("failed", message="another digest", error="InputRefused")
            return contract.FAILED
    if not (path.parent / spec.data.train.path).stat().st_size:
        say("failed", message="There is no example to train on.", error="InputRefused")
        return contract.FAILED
    losses = []
    kept = sorted((work / contract.CHECKPOINTS).glob("step-*"))
    if kept:
        losses = json.loads((kept[-1] / "progress.json").read_text())
    say("started", step=len(losses), steps=STEPS)
    while len(losses) < STEPS:
        time.sleep(SECONDS)
        step = len(losses) + 1
        wait_at_gate(path.parent / spec.data.train.path, step)
        losses.append(loss(spec.data.train.sha256, step))
        say("progress", step=step, steps=STEPS, loss=losses[-1], seconds_left=1000.0)
        if step % spec.recipe.save_steps == 0 or stop:
            keep(work, spec, losses)
            say("checkpoint", step=step, checkpoint=f"step-{step:08d}")
        if stop:
            say("stopped", step=step)
            return contract.STOPPED
    finish(path, spec, output, losses)
    say("done", step=STEPS)
    return contract.DONE


def wait_at_gate(data: Path, step: int) -> None:
    """Wait before some steps until the test opens them, in the folder the data's first line names."""
    _, _, folder = data.read_text().splitlines()[0].partition(" gates ")
    if folder:
        (Path(folder) / "worker.pid").write_text(str(os.getpid()))
    while folder and step in GATES and not stop and not (Path(folder) / str(step)).exists():
        time.sleep(0.05)


def loss(sha256: str, step: int) -> float:
    return 3.0 / step + (int(sha256[:8], 16) * step % 97) / 1000


def expected(train: Path) -> list[float]:
    """Return the losses of an undisturbed training."""
    sha256 = hashlib.sha256(train.read_bytes()).hexdigest()
    return [loss(sha256, step) for step in range(1, STEPS + 1)]


def keep(work: Path, spec: contract.Spec, losses: list[float]) -> None:
    step = len(losses)
    target = work / contract.CHECKPOINTS / f"step-{step:08d}"
    temporary = target.with_name(f".{target.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    content = json.dumps(losses).encode()
    (temporary / "progress.json").write_bytes(content)
    manifest = contract.Manifest(
        identity="stub", attempt=spec.attempt, step=step, position=contract.Position(epoch=0, place=step), random=1,
        learning_rate=0.1, files={"progress.json": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    (temporary / contract.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    temporary.rename(target)


def finish(path: Path, spec: contract.Spec, output: Path, losses: list[float]) -> None:
    import numpy
    from safetensors.numpy import save

    (output / contract.ADAPTER).mkdir(parents=True, exist_ok=True)
    rank = spec.recipe.rank
    weights = {
        f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{part}.weight": value
        for layer in range(2)
        for part, value in (("A", numpy.full((rank, 8), losses[-1], "f4")), ("B", numpy.ones((8, rank), "f4")))
    }
    files = {
        "adapter/adapter_model.safetensors": save(weights),
        "adapter/adapter_config.json": json.dumps(
            {"peft_type": "LORA", "r": rank, "lora_alpha": spec.recipe.alpha, "bias": "none"}
        ).encode(),
        contract.CURVE: b"".join(
            json.dumps({"step": step, "loss": loss}).encode() + b"\n" for step, loss in enumerate(losses, 1)
        ),
    }
    for name, content in files.items():
        (output / name).write_bytes(content)
    result = contract.Result(
        run=spec.run, attempt=spec.attempt, identity="stub", steps=STEPS, epochs=1.0, train_loss_first=losses[0],
        train_loss_last=losses[-1], valid_loss_first=None, valid_loss_best=None, best_step=STEPS, examples=3,
        examples_seen=3, shortened=0, too_long=(), stopped_early=False, tokens_seen=100, seconds=1.0,
        peak_memory_bytes=1, files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )  # fmt: skip
    (output / contract.RESULT).write_bytes(msgspec.json.encode(result))


if __name__ == "__main__":
    sys.exit(main())
