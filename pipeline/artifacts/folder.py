"""What lies in the folder a person gives: its artifacts, their files, and content digests.

Each entry of the folder is an artifact: a raw file, a zip, or a folder that holds what a zip
held. A single file is one artifact. An artifact is known by its content, never by its name,
so that listing order and renaming change nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from config.errors import InputRefused
from pipeline.artifacts.interface import Refusal
from pipeline.stage import digest_file

EMPTY_HINT = "Put scanner reports, or the zips GitHub Actions made of them, there; or name another folder."


class LooseFile(msgspec.Struct, frozen=True, kw_only=True):
    """A regular file on disk, where it is in its artifact, and how a person finds it."""

    path: Path
    report: str
    place: str
    sha256: str


class LooseArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact as it lies on disk: its digest, its files, and what of it can't be taken."""

    digest: str
    place: str
    files: tuple[LooseFile, ...]
    refused: tuple[tuple[str, str], ...] = ()


def digest_artifacts(path: Path) -> str:
    """Return a digest of the artifacts' content, whatever their names, order or folder.

    Raises InputRefused when there is nothing at `path`.
    """
    digests = sorted({artifact.digest for artifact in loose_artifacts(path)})
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def loose_artifacts(root: Path) -> list[LooseArtifact]:
    """Return the artifacts at `root`, sorted by digest; one that was copied appears once.

    Raises InputRefused when there is nothing there, or it can't be listed.
    """
    try:
        entries = [root] if root.is_file() else sorted(root.iterdir())
    except FileNotFoundError as error:
        raise InputRefused(f"There are no artifacts at {root}.", "Check --artifacts-dir.") from error
    except OSError as error:
        raise InputRefused(
            f"The artifacts at {root} can't be listed: {error.strerror}.", "Check --artifacts-dir."
        ) from error
    boundary = Path(os.path.realpath(root))
    found: dict[str, LooseArtifact] = {}
    for entry in entries:
        artifact = _artifact(entry, boundary, given=entry is root)
        found.setdefault(artifact.digest, artifact)
    if not any(artifact.files or artifact.refused for artifact in found.values()):
        raise InputRefused(f"{root} holds no files.", EMPTY_HINT)
    return sorted(found.values(), key=lambda artifact: artifact.digest)


def _artifact(entry: Path, boundary: Path, *, given: bool) -> LooseArtifact:
    files: list[LooseFile] = []
    refused: list[tuple[str, str]] = []
    for path, report in _files(entry):
        place = entry.name if report == "." else f"{entry.name}/{report}"
        try:
            _check_regular(path, boundary, follow=given)
            files.append(LooseFile(path=path, report=report, place=place, sha256=digest_file(path)))
        except Refusal as refusal:
            refused.append((place, str(refusal)))
        except OSError as error:
            refused.append((place, f"can't be read: {error.strerror}"))
    return LooseArtifact(
        digest=_digest(files, refused, entry.name), place=entry.name, files=tuple(files), refused=tuple(refused)
    )


def _digest(files: list[LooseFile], refused: list[tuple[str, str]], name: str) -> str:
    """Return the content digest: a raw file's own, or one over the names and digests inside."""
    if len(files) == 1 and files[0].report == ".":
        return files[0].sha256
    lines = [f"{file.sha256} {file.report}" for file in files]
    lines += [f"refused {place.removeprefix(name)} {reason}" for place, reason in refused]
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def _files(entry: Path) -> Iterator[tuple[Path, str]]:
    """Yield what isn't a folder at or below `entry`, with its path inside, sorted; links aren't followed."""
    if entry.is_symlink() or not entry.is_dir():
        yield entry, "."
        return
    for folder, folders, names in os.walk(entry, onerror=_raise):
        linked = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(linked))
        for name in sorted(names + linked):
            path = Path(folder) / name
            yield path, path.relative_to(entry).as_posix()


def _raise(error: OSError) -> None:
    raise InputRefused(f"{error.filename} can't be listed: {error.strerror}.", "Check its permissions.") from error


def _check_regular(path: Path, boundary: Path, *, follow: bool) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode) and not follow:
        inside = Path(os.path.realpath(path)).is_relative_to(boundary)
        raise Refusal("is a link inside the folder" if inside else "is a link that leaves the folder")
    if not stat.S_ISREG(path.stat().st_mode):
        raise Refusal("isn't a regular file")
