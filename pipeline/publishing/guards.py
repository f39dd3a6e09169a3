"""What is looked at before anything leaves: secrets, canaries, licences, code that must stay. All offline."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from config.settings import Settings
from pipeline.findings.redaction import PLACEHOLDER, Redactor
from pipeline.publishing.cards import hub_name
from pipeline.publishing.interface import Release, Withheld
from pipeline.publishing.lineage import LINEAGE
from pipeline.publishing.texts import Sealed, texts
from pipeline.stage import MANIFEST, Manifest, digest_folder

CANARIES = "canaries.jsonl"
AGAIN = "Lay the release out again: `--only publish`."
LICENCES = (
    ("embedded", "apache-2.0"),
    ("allenai/olmo", "apache-2.0"),
    ("huggingfacetb/smollm2", "apache-2.0"),
    ("codellama/", "llama2"),
)
"""Licences of the base models that fixsmith names in its settings; others are named in publish.base_licence."""


class Found(msgspec.Struct, frozen=True):
    """A secret: the file, the line (1-based), and its kind. Never the secret itself."""

    file: str
    line: int
    kind: str


def check(release: Release, settings: Settings, canaries: Iterable[str], tokens: Iterable[str] = ()) -> None:
    """Raise Withheld, naming files and kinds, when anything in the release must not leave."""
    names = [part.repository for part in release.parts]
    settings = on_its_base(release, settings)
    base = hub_name(settings.fine_tuning.base_model_name)
    for part in release.parts:
        folder = Path(part.folder)
        check_links(folder)
        check_secrets(folder, tokens, [*names, *([base] if base else [])])
        check_canaries(folder, canaries)
    if any(part.repository in settings.publish.public for part in release.parts):
        check_licences(settings)


def on_its_base(release: Release, settings: Settings) -> Settings:
    """Return the settings with the base model that the release's lineage names: today's may name another."""
    try:
        record = msgspec.json.decode((Path(release.parts[0].folder) / LINEAGE).read_bytes())
        base = str(record["settings"]["fine_tuning"]["base_model_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return settings
    return msgspec.structs.replace(
        settings, fine_tuning=msgspec.structs.replace(settings.fine_tuning, base_model_name=base)
    )


def check_unchanged(stage: Path) -> None:
    """Raise Withheld for a file that isn't as stage `publish` laid it out: what was added was never meant to leave."""
    try:
        meant = msgspec.json.decode((stage / MANIFEST).read_bytes(), type=Manifest).outputs
    except (OSError, msgspec.DecodeError) as error:
        raise Withheld(f"{stage} isn't finished.", AGAIN) from error
    there = {name: digest for name, digest in digest_folder(stage).items() if name != MANIFEST}
    for name in sorted(meant.keys() | there.keys()):
        if meant.get(name) != there.get(name):
            was = "was added" if name not in meant else "is missing" if name not in there else "was changed"
            said = Redactor(b"only looked for").redact(name.removeprefix("release/"))
            raise Withheld(f"{said} {was} after the release was laid out.", AGAIN)


def check_links(folder: Path) -> None:
    """Raise Withheld for a link: what it points at was never meant to be part of a release."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise Withheld(f"{path.relative_to(folder)} is a link.", AGAIN)


def check_secrets(folder: Path, tokens: Iterable[str] = (), names: Iterable[str] = ()) -> None:
    """Raise Withheld when any byte of any file, or a file's name, belongs to something shaped like a secret.

    `names` are the repositories' own: long ones look random.
    """
    found = list(secrets(folder, tokens, names))
    if found:
        said = ", ".join(f"{one.file} line {one.line} ({one.kind})" for one in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise Withheld(f"Nothing was uploaded: {said}{more} looks like a secret.", "Take it out and run it again.")


def secrets(folder: Path, tokens: Iterable[str] = (), names: Iterable[str] = ()) -> Iterator[Found]:
    """Yield every secret in a folder; `tokens` are secrets known by value, such as the one used to upload."""
    redactor, known = Redactor(b"only looked for", tokens), sorted(names, key=len, reverse=True)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = redactor.redact(path.relative_to(folder).as_posix())
        for line, text in _readable(path, folder):
            for one in known:
                text = text.replace(one, "owner/name")  # noqa: PLW2901
            kinds = _kinds(redactor, text)
            yield from (Found(name, line, kind) for kind in kinds)


def _readable(path: Path, folder: Path) -> Iterator[tuple[int, str]]:
    name = path.relative_to(folder).as_posix()
    yield 0, name
    try:
        yield from texts(path)
    except Sealed as error:
        raise Withheld(f"{name} can't be looked into: it is {error}.", "Take it out and run it again.") from error


def _kinds(redactor: Redactor, text: str) -> list[str]:
    before = PLACEHOLDER.findall(text)
    after = PLACEHOLDER.findall(redactor.redact(text))
    for one in before:
        if one in after:
            after.remove(one)
    return [one.split(":")[1] for one in after]


def check_canaries(folder: Path, canaries: Iterable[str]) -> None:
    """Raise Withheld when a phrase planted to measure memorising is in what would be published."""
    planted = [canary.encode() for canary in canaries]
    if (folder / CANARIES).exists():
        raise Withheld(f"{CANARIES} is among the files.", AGAIN)
    for path in folder.rglob("*") if planted else ():
        if path.is_file() and _holds(path, planted):
            raise Withheld(f"{path.relative_to(folder)} holds a planted canary.", AGAIN)


def _holds(path: Path, phrases: Iterable[bytes]) -> bool:
    """Tell whether a file of any size holds one of the phrases."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(phrase) >= 0 for phrase in phrases)


def planted(dataset: Path) -> list[str]:
    """Return what must not be found: the planted answers beside a data set, whole."""
    path = dataset / CANARIES
    if not path.is_file():
        return []
    rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    return [row["messages"][-1]["content"] for row in rows]


def base_licence(settings: Settings) -> str:
    """Return the base model's licence as the settings or fixsmith's own list know it; empty: unknown."""
    name = settings.fine_tuning.base_model_name.lower()
    known = next((licence for start, licence in LICENCES if name.startswith(start)), "")
    return settings.publish.base_licence.lower() or known


def check_licences(settings: Settings) -> None:
    """Raise Withheld when something would be made public whose licence isn't known."""
    if not base_licence(settings):
        raise Withheld(
            f"The licence of {settings.fine_tuning.base_model_name} isn't known.", "Name it in publish.base_licence."
        )
    if settings.publish.include_code and not settings.publish.source_licence:
        raise Withheld(
            "Code of the scanned repository would be made public without a licence.",
            "Name it in publish.source_licence, or set publish.include_code to false.",
        )
