"""What a stage is, and how its work is handed over: atomically, once, bound by digests.

A stage writes into `<stage>.tmp/`, its manifest last; the folder is then renamed. A folder
with a manifest is done, anything else never happened. `<stage>.work/` is kept across kills,
for work that is resumed rather than repeated, and removed once the stage is done.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from config.errors import Error
from config.settings import Settings
from pipeline.disk import digest_file as digest_file  # noqa: PLC0414
from pipeline.disk import synchronise as synchronise  # noqa: PLC0414
from pipeline.disk import write_atomically as write_atomically  # noqa: PLC0414
from pipeline.records import Record

MANIFEST = "manifest.json"
R = TypeVar("R")


class FileDigest(Record):
    """A file of a stage's output: its size and SHA-256."""

    bytes: int
    sha256: str


class Manifest(Record):
    """What a stage did. `key` is the digest of all that determines its output."""

    stage: str
    key: str
    code: str
    settings: Any
    inputs: dict[str, str]
    outputs: dict[str, FileDigest]
    counts: dict[str, Any]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def digest(self) -> str:
        """SHA-256 over the outputs' names and digests: what the next stages build on."""
        return digest_of({name: output.sha256 for name, output in sorted(self.outputs.items())})


class Request(Record):
    """What a run was asked to do; together with settings and code it is the run's identity."""

    artifacts: str
    artifacts_digest: str
    source: str | None = None
    source_digest: str | None = None
    earlier_artifacts: str | None = None
    earlier_artifacts_digest: str | None = None
    earlier_source: str | None = None
    earlier_commit: str | None = None
    earlier_source_digest: str | None = None
    mined: str | None = None
    mined_digest: str | None = None
    repository: str | None = None
    branch: str | None = None
    commit: str | None = None
    quick_test: bool = False
    champions: dict[str, str] = msgspec.field(default_factory=dict)
    """Who is to be beaten, specialist → adapter's folder: found by the flow, no part of the run's identity."""

    def identity(self) -> Request:
        """Return the request without the places things lie in: the same content is the same run."""
        return msgspec.structs.replace(
            self, artifacts="", source=None, earlier_artifacts=None, earlier_source=None, mined=None, champions={}
        )


class Progress(Record):
    """Progress of a stage: `done` of `total` units (None: unknown) and a line to show."""

    stage: str
    message: str
    done: float = 0.0
    total: float | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage works with: where to write, what it may read, what to do with progress."""

    folder: Path
    work: Path
    inputs: Mapping[str, Path]
    request: Request
    settings: Settings
    progress: Callable[[Progress], None]
    warnings: list[str]

    def warn(self, message: str) -> None:
        """Record one line a person should see; it stands in the manifest and in the summary."""
        self.warnings.append(message)


class Stage(Protocol):
    """One step of the flow.

    `needs` names the stages whose folders it reads. `settings` returns the part of the
    settings and of the request that its output depends on. `run` fills `context.folder` and
    returns counts for the manifest and the summary.
    """

    @property
    def name(self) -> str:
        """The stage's name and folder."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the stages whose finished folders it reads."""
        ...

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return what of the settings and the request determines the output, JSON-ready."""
        ...

    def run(self, context: Context) -> dict[str, Any]:
        """Do the work; raise config.errors.Error when it can't be done."""
        ...


class RunFolder:
    """The folder of one run: a folder per finished stage, and how one is finished."""

    def __init__(self, path: Path, code: str) -> None:
        self.path = path
        self.code = code

    def folder(self, stage: str) -> Path:
        """Return where the stage's finished output lies."""
        return self.path / stage

    def manifest(self, stage: str) -> Manifest | None:
        """Return the manifest of a finished stage, None when it isn't finished."""
        try:
            return msgspec.json.decode((self.folder(stage) / MANIFEST).read_bytes(), type=Manifest)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def key(self, stage: Stage, settings: Settings, request: Request) -> str:
        """Return the digest of all that determines the stage's output."""
        return digest_of(
            {
                "stage": stage.name,
                "code": self.code,
                "settings": stage.settings(settings, request),
                "inputs": self._input_digests(stage),
            }
        )

    def is_done(self, stage: Stage, settings: Settings, request: Request) -> bool:
        """Tell whether the stage is finished for exactly these settings and inputs."""
        manifest = self.manifest(stage.name)
        return manifest is not None and manifest.key == self.key(stage, settings, request)

    def execute(
        self, stage: Stage, settings: Settings, request: Request, progress: Callable[[Progress], None]
    ) -> Manifest:
        """Run a stage and hand its folder over; after a crash anywhere in here, call it again."""
        key = self.key(stage, settings, request)
        temporary, work = self.path / f"{stage.name}.tmp", self._work_folder(stage, key)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        warnings: list[str] = []
        started = time.monotonic()
        counts = stage.run(
            Context(
                folder=temporary,
                work=work,
                inputs={name: self.folder(name) for name in stage.needs},
                request=request,
                settings=settings,
                progress=progress,
                warnings=warnings,
            )
        )
        manifest = Manifest(
            stage=stage.name,
            key=key,
            code=self.code,
            settings=stage.settings(settings, request),
            inputs=self._input_digests(stage),
            outputs=digest_folder(temporary),
            counts=counts,
            warnings=tuple(warnings),
            seconds=round(time.monotonic() - started, 3),
        )
        self._hand_over(temporary, self.folder(stage.name), manifest)
        shutil.rmtree(work, ignore_errors=True)
        return manifest

    def adopt(self, stage: Stage, runs: Path, settings: Settings, request: Request) -> bool:
        """Take a stage over that a run below `runs` finished for exactly these settings and inputs; tell whether.

        The files are shared (hard links): nothing writes into a finished stage.
        """
        key = self.key(stage, settings, request)
        for path in sorted(runs.iterdir()) if runs.is_dir() else ():
            other = RunFolder(path, self.code)
            manifest = other.manifest(stage.name)
            if path != self.path and manifest is not None and manifest.key == key:
                temporary = self.path / f"{stage.name}.tmp"
                shutil.rmtree(temporary, ignore_errors=True)
                shutil.rmtree(self.folder(stage.name), ignore_errors=True)
                shutil.copytree(other.folder(stage.name), temporary, copy_function=os.link, symlinks=True)
                temporary.replace(self.folder(stage.name))
                return True
        return False

    def _work_folder(self, stage: Stage, key: str) -> Path:
        """Return the folder kept across kills, emptied when it belongs to another key."""
        work = self.path / f"{stage.name}.work"
        stamp = work / "key"
        if not stamp.exists() or stamp.read_text() != key:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            write_atomically(stamp, key.encode())
        return work

    def _hand_over(self, temporary: Path, final: Path, manifest: Manifest) -> None:
        write_atomically(temporary / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        for path in sorted(temporary.rglob("*")):
            if path.is_file():
                synchronise(path)
        synchronise(temporary)
        shutil.rmtree(final, ignore_errors=True)
        temporary.replace(final)
        synchronise(final.parent)

    def _input_digests(self, stage: Stage) -> dict[str, str]:
        digests = {}
        for name in stage.needs:
            manifest = self.manifest(name)
            if manifest is None:
                raise Error(f"Stage {stage.name} needs {name}, which isn't finished.", "Run without --only.")
            digests[name] = manifest.digest
        return digests


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-ready value in canonical form."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def digest_folder(folder: Path) -> dict[str, FileDigest]:
    """Return size and SHA-256 of every regular file below `folder`, by relative path, sorted."""
    return {
        path.relative_to(folder).as_posix(): FileDigest(bytes=path.stat().st_size, sha256=digest_file(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def restrict(folder: Path) -> None:
    """Make a folder and all below it its owner's alone: 0700 for folders, 0600 for files."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)


def write_records(path: Path, records: Iterable[msgspec.Struct]) -> int:
    """Write records as JSON lines (keys sorted, so equal records are equal bytes); return how many."""
    count = 0
    encoder = msgspec.json.Encoder(order="sorted")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for record in records:
            stream.write(encoder.encode(record) + b"\n")
            count += 1
    return count


def read_records(path: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of a JSON-lines file; one that doesn't decode is an Error naming its line."""
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise Error(
                    f"{path.name}, line {number}, isn't a {kind.__name__}: {error}.",
                    "Repeat the stage before.",
                ) from error
