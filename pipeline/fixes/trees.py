"""The scanned trees of a run, opened for as long as a stage needs them."""

from __future__ import annotations

from contextlib import ExitStack

from pipeline.fixes.interface import Snapshot
from pipeline.source.tree import MissingCommit, open_tree
from pipeline.stage import Context


def snapshot_of(context: Context, stack: ExitStack, source: str | None, commit: str | None) -> Snapshot | None:
    """Return the files of `source` at `commit`, closed with `stack`; None, with a warning, when they aren't there."""
    if source is None:
        return None
    try:
        return Snapshot(stack.enter_context(open_tree(source, commit, context.settings.source)))
    except MissingCommit as error:
        context.warn(str(error))
        return None
