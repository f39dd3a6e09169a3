"""Walking through artifacts: every file in them, one at a time, or the reason why not.

Reports hold secrets in clear, so nothing unpacked stays: a packed file lies in a private
folder (`scratch`, mode 0700) only while the walk stands at it. A file that isn't packed is
read where the user has it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from config.settings import Artifacts
from pipeline.artifacts.archive import HEAD, Inflated, Wanted, every, foreign_packing, is_gzip, is_zip, members, ungzip
from pipeline.artifacts.folder import LooseArtifact, LooseFile, loose_artifacts
from pipeline.artifacts.interface import ArtifactRefusal, Budget, Refusal, Unpacked
from pipeline.artifacts.names import printable
from pipeline.records import Rejection

INSIDE = "!/"
"""Between a zip's name and the name of what is in it."""

OTHER_ZIPS = frozenset(
    {
        ".jar",
        ".war",
        ".ear",
        ".apk",
        ".aar",
        ".ipa",
        ".whl",
        ".egg",
        ".nupkg",
        ".docx",
        ".xlsx",
        ".pptx",
        ".odt",
        ".epub",
    }
)
"""Zip files by format that are programs or documents: passed on unopened."""


def walk(root: Path, limits: Artifacts, scratch: Path, wanted: Wanted = every) -> Iterator[Unpacked | Rejection]:
    """Yield each file of the artifacts at `root`, unpacked, and a Rejection for each refused one.

    Only the files `wanted` by their digest are sure to lie there. The order is by content, not by
    name. Raises InputRefused when there is nothing at `root`.
    """
    for artifact in loose_artifacts(root):
        for place, reason in artifact.refused:
            yield Rejection(artifact=artifact.digest, report=printable(place), reason=reason)
        yield from _Walker(artifact, limits, scratch, wanted).files()


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """Give a folder only its owner can read, emptied before and removed after.

    It lies in the stage's work folder: what a kill leaves in it is wiped by the next run.
    """
    folder = parent / "private"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Walker:
    """The way through one artifact, with its budget."""

    def __init__(self, artifact: LooseArtifact, limits: Artifacts, scratch: Path, wanted: Wanted) -> None:
        self.artifact = artifact
        self.limits = limits
        self.scratch = scratch
        self.wanted = wanted
        self.budget = Budget(limits)

    def files(self) -> Iterator[Unpacked | Rejection]:
        """Yield the artifact's files; past one of its limits, one line for all that is left."""
        for file in self.artifact.files:
            try:
                yield from self._loose(file)
            except ArtifactRefusal as refusal:
                yield self._refused(file.place, str(refusal))
                return

    def _loose(self, file: LooseFile) -> Iterator[Unpacked | Rejection]:
        self.budget.take_file()
        found = _on_disk(file)
        if found.size > self.limits.max_file_bytes and not _is_packed(found.head):
            yield self._refused(file.place, f"is larger than {self.limits.max_file_bytes} bytes")
            return
        yield from self._open(found, file.report, file.place, 0)

    def _open(self, file: Inflated, report: str, place: str, depth: int) -> Iterator[Unpacked | Rejection]:
        try:
            if is_zip(file.head) and PurePosixPath(place).suffix.lower() not in OTHER_ZIPS:
                yield from self._zip(file.path, report, place, depth)
            elif is_gzip(file.head):
                yield from self._gzip(file.path, report, place, depth)
            elif (packing := foreign_packing(file.head)) is not None:
                yield self._refused(place, f"is packed as {packing}, which isn't opened: only zip and gzip are")
            else:
                yield Unpacked(
                    artifact=self.artifact.digest, report=report, place=printable(place), path=file.path,
                    sha256=file.sha256, size=file.size,
                )  # fmt: skip
        except ArtifactRefusal:
            raise
        except Refusal as refusal:
            yield self._refused(place, str(refusal))

    def _zip(self, path: Path, report: str, place: str, depth: int) -> Iterator[Unpacked | Rejection]:
        self._check_depth(depth)
        target = self.scratch / f"{depth}.unpacked"
        inside = "" if report == "." else report + INSIDE
        for member in members(path, target, self.budget, self.wanted):
            shown = f"{place}{INSIDE}{member.name}"
            if member.file is None:
                yield self._refused(shown, member.reason)
            else:
                yield from self._open(member.file, inside + member.name, shown, depth + 1)

    def _gzip(self, path: Path, report: str, place: str, depth: int) -> Iterator[Unpacked | Rejection]:
        self._check_depth(depth)
        target = self.scratch / f"{depth}.unpacked"
        try:
            yield from self._open(ungzip(path, target, self.budget, self.wanted), report, place, depth + 1)
        finally:
            target.unlink(missing_ok=True)

    def _check_depth(self, depth: int) -> None:
        if depth > self.limits.max_nesting:
            raise Refusal(f"is packed more than {self.limits.max_nesting} levels deep")

    def _refused(self, place: str, reason: str) -> Rejection:
        return Rejection(artifact=self.artifact.digest, report=printable(place), reason=reason)


def _on_disk(file: LooseFile) -> Inflated:
    with file.path.open("rb") as stream:
        return Inflated(file.path, file.sha256, file.path.stat().st_size, stream.read(HEAD))


def _is_packed(head: bytes) -> bool:
    return is_zip(head) or is_gzip(head)
