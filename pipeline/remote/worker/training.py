"""A whole training in this process: load, loop, finish, write. Called by the command and by Ray Train."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import save

from config.errors import Error, InputRefused, Postponed
from pipeline.disk import digest_file
from pipeline.remote.contract import ADAPTER, CURVE, RESULT, DataFile, Delivered, Event, Result, Spec
from pipeline.remote.worker import base, checkpoint, finish, quantizing, templates
from pipeline.remote.worker.claims import Claim
from pipeline.remote.worker.devices import Devices
from pipeline.remote.worker.journal import Journal
from pipeline.remote.worker.loop import Loop, OnCheckpoint
from pipeline.remote.worker.step import Stepper
from pipeline.training import data, files
from pipeline.training.course import Progress, figures, metrics
from pipeline.training.data import Data

_VERSIONS = ("torch", "transformers", "peft", "bitsandbytes", "safetensors", "tokenizers")


def never() -> bool:
    """Return that nobody asks to stop."""
    return False


def no_checkpoint(folder: Path | None, step: int) -> None:
    """Do nothing with a checkpoint."""


def train(
    spec: Spec,
    stop: Callable[[], bool] = never,
    on_event: Callable[[Event], None] | None = None,
    on_checkpoint: OnCheckpoint = no_checkpoint,
) -> Result:
    """Train `spec` from where it stands, write its output folder whole, and return the result.

    Called on every rank. `stop` is asked after each step; `on_event` is called on rank 0;
    `on_checkpoint` on every rank once a checkpoint is whole, with its folder on rank 0. Raises an
    `Error`: `Stopped` after a checkpoint, `Superseded` when a later attempt took over.
    """
    with closing(Devices()) as devices:
        journal = Journal(Path(spec.work), spec.attempt, on_event) if devices.rank == 0 else None

        def say(kind: Any, **values: Any) -> None:
            if journal:
                journal.say(kind, **values)

        try:
            result = _train(spec, devices, say, stop, on_checkpoint)
        except Error as error:
            kind = "stopped" if isinstance(error, Postponed) else "failed"
            say(kind, message=error.message, hint=error.hint, error=type(error).__name__)
            raise
        except Exception as error:
            say("failed", message=str(error)[:500] or type(error).__name__, error=type(error).__name__)
            raise
        say("done", step=result.steps, steps=result.steps, loss=result.train_loss_last)
        return result


def _train(
    spec: Spec, devices: Devices, say: Callable[..., None], stop: Callable[[], bool], on_checkpoint: OnCheckpoint
) -> Result:
    claim = Claim(Path(spec.work), spec.attempt) if devices.rank == 0 else None
    check = claim.check if claim else _nothing
    _refuse_unfit(spec, devices)
    torch.backends.cuda.matmul.allow_tf32 = spec.recipe.tf32
    torch.backends.cudnn.allow_tf32 = spec.recipe.tf32
    tokenizer = templates.tokenizer(spec.base, spec.recipe.template)
    read = _data(spec, tokenizer)
    _say_excluded(read, say)
    frozen = base.load(spec.base, spec.recipe, devices.device)
    if spec.finish.quantize:
        quantizing.check(frozen)
    model = base.adapted(frozen, spec.recipe, Path(spec.resume_adapter) if spec.resume_adapter else None)
    if spec.recipe.parallel == "fsdp" and devices.count > 1:
        devices.shard(frozen.get_decoder())
    stepper = Stepper(model, spec.recipe, read.examples, devices)
    loop = Loop(spec, read, stepper, identity(spec), say, check, stop, on_checkpoint)
    if spec.rehearsal:
        return _rehearsed(spec, read, loop, devices)
    done = loop.run()
    base.put(model, loop.best)
    after = stepper.validation(read.replay_valid) if read.replay_valid else None
    result = _result(spec, read, loop, done, after)
    if devices.rank == 0:
        result = _write(spec, model, tokenizer, read, loop, result, say, check)
    shared: Result = devices.share(result)
    return shared


def _rehearsed(spec: Spec, read: Data, loop: Loop, devices: Devices) -> Result:
    """Return and write a result that holds what the whole training would take, and no adapter."""
    rehearsed = loop.rehearse(spec.rehearsal)
    result = msgspec.structs.replace(_result(spec, read, loop, loop.progress, None), rehearsed=rehearsed)
    if devices.rank == 0:
        output = Path(spec.output)
        output.mkdir(parents=True, exist_ok=True)
        files.write(output / RESULT, msgspec.json.encode(result))
    return result


def _nothing() -> None:
    """Only rank 0 holds a claim."""


def _refuse_unfit(spec: Spec, devices: Devices) -> None:
    recipe = spec.recipe
    if recipe.parallel == "fsdp" and recipe.quantization != "none" and not recipe.dequantize:
        raise InputRefused("Quantised weights can't be sharded.", "Set `dequantize`, or `parallel: data`.")
    if recipe.dequantize and recipe.quantization != "4bit":
        raise InputRefused("`dequantize` needs `quantization: 4bit`.", "Leave it out.")
    if recipe.parallel == "fsdp" and (spec.finish.merge or spec.finish.quantize) and devices.count > 1:
        raise InputRefused("A sharded model can't be merged in the same run.", "Merge on one device afterwards.")


def identity(spec: Spec) -> str:
    """Return the digest of all that decides the losses: base, data, recipe, adapter to go on from."""
    parts = [base.digest(spec.base), msgspec.json.encode(spec.recipe, order="sorted").decode()]
    chosen = (spec.data.train, spec.data.valid, spec.data.replay, spec.data.replay_valid)
    parts += [file.sha256 if file else "" for file in chosen]
    if spec.resume_adapter:
        parts.append(_digest(Path(spec.resume_adapter) / checkpoint.WEIGHTS))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _data(spec: Spec, tokenizer: Any) -> Data:
    given = spec.data
    paths = {name: _whole(getattr(given, name)) for name in ("train", "valid", "replay", "replay_valid")}
    if not spec.recipe.replay_share:
        paths["replay"] = None
    return data.load(tokenizer, spec.recipe.max_tokens, **paths)  # type: ignore[arg-type]


def _whole(file: DataFile | None) -> str | None:
    """Return the file's path, or None when it is empty or not given; raises `InputRefused` for other content."""
    if file is None:
        return None
    if _digest(Path(file.path)) != file.sha256:
        raise InputRefused(f"{file.path} is not the file the spec names: its SHA-256 differs.", "Send it again.")
    return file.path


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except OSError as error:
        raise InputRefused(f"{path} can't be read: {error.strerror}.", "Send it with the spec.") from error


def _say_excluded(read: Data, say: Callable[..., None]) -> None:
    if read.shortened:
        say("warning", message=f"{read.shortened} examples were shortened to fit.")
    for name in read.too_long:
        say("excluded", message=f"{name} is too long even when shortened.")
    if read.too_long:
        say(
            "warning",
            message=f"{len(read.too_long)} examples are too long and were left out.",
            hint="Raise `max_tokens`.",
        )


def _result(spec: Spec, read: Data, loop: Loop, done: Progress, after: float | None) -> Result:
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in _VERSIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return Result(
        run=spec.run,
        attempt=spec.attempt,
        identity=done.identity,
        examples=len(read.train),
        shortened=read.shortened,
        too_long=read.too_long,
        replay_share=spec.recipe.replay_share if read.replay else 0.0,
        replay_loss_after=after,
        devices=loop.devices.count,
        device=loop.devices.name,
        versions=versions,
        **figures(done, loop.per_epoch),
    )


def _write(
    spec: Spec,
    model: Any,
    tokenizer: Any,
    read: Data,
    loop: Loop,
    result: Result,
    say: Callable[..., None],
    check: Callable[[], None],
) -> Result:
    output = Path(spec.output)
    temporary = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / ADAPTER).mkdir(parents=True)
    files.write(temporary / ADAPTER / checkpoint.WEIGHTS, save(loop.best, {"format": "pt"}))
    files.write(temporary / ADAPTER / checkpoint.CONFIG, base.config(model))
    files.write(temporary / CURVE, metrics(loop.progress))
    delivered: tuple[Delivered, ...] = ()
    if spec.finish.merge or spec.finish.quantize:
        delivered = finish.finish(spec, model, tokenizer, read, loop.stepper, temporary, say)
    whole = sorted(path for path in temporary.rglob("*") if path.is_file())
    digests = {path.relative_to(temporary).as_posix(): digest_file(path) for path in whole}
    result = msgspec.structs.replace(result, delivered=delivered, files=digests)
    files.write(temporary / RESULT, msgspec.json.encode(result))
    check()
    files.rename_folder(temporary, output)
    return result
