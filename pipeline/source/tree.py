"""Opening a source tree: a commit of a git repository, or a plain folder."""

from __future__ import annotations

from pathlib import Path

from config.settings import Source
from pipeline.source.commit import GitTree
from pipeline.source.folder import FolderTree
from pipeline.source.git import is_repository
from pipeline.source.interface import Absence, MissingCommit, Reading, SourceError, SourceTree

__all__ = ["Absence", "FolderTree", "GitTree", "MissingCommit", "Reading", "SourceError", "SourceTree", "open_tree"]


def open_tree(source: str, commit: str | None = None, settings: Source | None = None) -> SourceTree:
    """Return the tree of `commit` when `source` is a git repository and one is given, else the folder.

    Raises SourceError when there is no such folder, MissingCommit when the repository lacks it.
    """
    limits = settings or Source()
    folder = Path(source)
    if not folder.is_dir():
        raise SourceError(f"The source {source} isn't a folder.", "Give --source an existing folder or repository.")
    if commit is not None and is_repository(folder):
        return GitTree(folder, commit, max_bytes=limits.max_file_bytes, max_files=limits.max_files)
    return FolderTree(folder, max_bytes=limits.max_file_bytes, max_files=limits.max_files)
