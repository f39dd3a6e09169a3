"""Which state of the source each finding is of: the commit its own report names, else the run's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import Source
from pipeline.records import Finding
from pipeline.source.git import is_repository
from pipeline.source.interface import MissingCommit, SourceTree
from pipeline.source.tree import open_tree

NO_SOURCE = "no_source_given"
MISSING_COMMIT = "missing_commit"
NO_SOURCE_SAID = "No --source given: excerpts are only what the reports themselves quote."


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of the source and which findings are of it, by index; without a tree, the reason why.

    `is_own` is True for a commit that the reports name and the run doesn't.
    """

    indices: tuple[int, ...]
    tree: SourceTree | None
    reason: str = NO_SOURCE
    is_own: bool = False


def revisions(
    findings: Sequence[Finding], source: str | None, commit: str | None, settings: Source, warn: Callable[[str], None]
) -> Iterator[Revision]:
    """Yield every state that findings are of, each open while it is used; every finding is in one of them.

    A commit of a report that the repository doesn't hold is said, and the run's state stands in for it.
    """
    if source is None:
        warn(NO_SOURCE_SAID)
        yield Revision(tuple(range(len(findings))), None)
        return
    rest: list[int] = []
    for own, indices in sorted(_by_commit(findings, source, commit).items()):
        tree = _opened(source, own, settings) if own else None
        if tree is None:
            rest += indices
            if own:
                warn(f"{len(indices)} findings are of commit {own[:12]}, which the source doesn't hold.")
            continue
        with tree:
            yield Revision(tuple(indices), tree, is_own=True)
    yield from _of_the_run(sorted(rest), source, commit, settings, warn)


def _of_the_run(
    indices: list[int], source: str, commit: str | None, settings: Source, warn: Callable[[str], None]
) -> Iterator[Revision]:
    try:
        tree = open_tree(source, commit, settings)
    except MissingCommit as error:
        warn(str(error))
        yield Revision(tuple(indices), None, MISSING_COMMIT)
        return
    with tree:
        yield Revision(tuple(indices), tree)


def _by_commit(findings: Sequence[Finding], source: str, commit: str | None) -> dict[str, list[int]]:
    """Return the findings' indices by the commit their reports name, "" where that isn't another than the run's."""
    is_git = any(finding.commit for finding in findings) and is_repository(Path(source))
    groups: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        own = finding.commit or ""
        groups[own if is_git and own != commit else ""].append(index)
    return groups


def _opened(source: str, commit: str, settings: Source) -> SourceTree | None:
    try:
        return open_tree(source, commit, settings)
    except MissingCommit:
        return None
