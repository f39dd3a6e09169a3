"""A finished run's release, checked and put where it is published: what `fixsmith publish` and `--upload-model` do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from config.errors import Error, UsageError
from config.secret import Secret
from config.settings import Settings
from pipeline.publishing import guards, names
from pipeline.publishing.interface import Part, Published, Release, Say, Target
from pipeline.stage import MANIFEST, Manifest, write_atomically

STORY = "published.json"


class NotReviewed(UsageError):
    """A public release that no person has looked at."""


def release_of(run: Path, settings: Settings) -> Release:
    """Return the release a run laid out; raise Error when there is none."""
    folder = run / "publish" / "release"
    found = [name for name in names.PARTS if (folder / name).is_dir()]
    if not any(names.PARTS[name][1] == "model" for name in found):
        raise Error(f"Run {run.name} laid out no model to publish.", "Look at its report; train again.")
    began, settings = names.began(run), names.as_laid_out(settings, _prefix(run / "publish"))
    parts = tuple(
        Part(repository=names.repository(settings, name, began), kind=names.PARTS[name][1], folder=str(folder / name))
        for name in found
    )
    return Release(run=run.name, began=began, parts=parts)


def _prefix(stage: Path) -> str:
    try:
        manifest = msgspec.json.decode((stage / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return ""
    return str(manifest.counts.get(names.PREFIX, ""))


def upload(
    run: Path,
    settings: Settings,
    target: Target,
    tokens: Callable[[], list[Secret]],
    say: Say,
    *,
    reviewed: bool = False,
) -> tuple[Published, ...]:
    """Check a run's release and publish it; what was done is kept in the run's folder as `published.json`."""
    release = release_of(run, settings)
    public = ", ".join(part.repository for part in release.parts if part.repository in settings.publish.public)
    if public and not reviewed:
        raise NotReviewed(
            f"{public} is public, and this release hasn't been reviewed.",
            "Look at it with `fixsmith publish --review`, then `fixsmith publish --yes`.",
        )
    check(run, release, settings, tokens())
    published = target.publish(release, say)
    write_atomically(run / STORY, msgspec.json.format(msgspec.json.encode(published)) + b"\n")
    return published


def check(run: Path, release: Release, settings: Settings, tokens: list[Secret]) -> None:
    """Raise Withheld when anything of a run's release must not leave."""
    guards.check_unchanged(run / "publish")
    planted = guards.planted(run / "assemble" / "dataset")
    guards.check(release, settings, planted, [token.reveal() for token in tokens])


def upload_apart(
    release: Release, settings: Settings, target: Target, tokens: list[Secret], say: Say
) -> tuple[Published, ...]:
    """Check and publish what was trained apart from any run; `apart.check` keeps it from being public."""
    guards.check(release, settings, (), [token.reveal() for token in tokens])
    return target.publish(release, say)
