"""What is looked at before anything leaves: secrets, canaries, licences, code that must stay. All offline."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.findings.redaction import PLACEHOLDER, Redactor
from pipeline.publishing.cards import hub_name
from pipeline.publishing.interface import SIGNATURE, Release, Withheld

CANARIES = "canaries.jsonl"
READABLE = re.compile(rb"[\x09\x0a\x0d\x20-\x7e]{16,}")
WIDE = re.compile(rb"(?:[\x20-\x7e]\x00){16,}")
DIGEST = re.compile(r"[0-9a-f]{64}")
STRUCTURED = (".json", ".jsonl")
WINDOW, OVERLAP, NAMED, SIGNATURE_BYTES = 1 << 20, 1 << 12, 400, 80
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
    base = hub_name(settings.fine_tuning.base_model_name)
    for part in release.parts:
        folder = Path(part.folder)
        check_links(folder)
        check_secrets(folder, tokens, [*names, *([base] if base else [])])
        check_canaries(folder, canaries)
    if any(part.repository in settings.publish.public for part in release.parts):
        check_licences(settings)


def check_links(folder: Path) -> None:
    """Raise Withheld for a link: what it points at was never meant to be part of a release."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise Withheld(f"{path.relative_to(folder)} is a link.", "Lay the release out again: `--only publish`.")


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
        name = path.relative_to(folder).as_posix()
        for line, text in [(0, name), *_texts(path)]:
            for one in known:
                text = text.replace(one, "owner/name")  # noqa: PLW2901
            kinds = _kinds(redactor, text)
            yield from (Found(name, line, kind) for kind in kinds)


def _kinds(redactor: Redactor, text: str) -> list[str]:
    before = PLACEHOLDER.findall(text)
    after = PLACEHOLDER.findall(redactor.redact(text))
    for one in before:
        if one in after:
            after.remove(one)
    return [one.split(":")[1] for one in after]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text): a JSON file's strings as they are meant, any other file's readable runs of bytes."""
    if path.name == SIGNATURE:
        yield from ((1, text) for text in _signed(path))
        return
    if path.suffix in STRUCTURED:
        with path.open("rb") as stream:
            rows: Iterable[bytes] = stream.readlines() if path.suffix == ".jsonl" else [stream.read()]
        try:
            values = [(number, msgspec.json.decode(row)) for number, row in enumerate(rows, 1) if row.strip()]
        except msgspec.DecodeError:
            yield from _runs(path)
            return
        for number, value in values:
            yield from ((number, text) for text in _strings(value))
        return
    yield from _runs(path)


def _signed(path: Path) -> Iterator[str]:
    """Yield what a signature says, its statement decoded; the signature's own 100 bytes say nothing."""
    try:
        bundle = msgspec.json.decode(path.read_bytes())
        envelope = bundle.pop("dsseEnvelope")
        statement, signatures = base64.b64decode(envelope.pop("payload")), envelope.pop("signatures")
        sizes = [len(base64.b64decode(one.pop("sig"), validate=True)) for one in signatures]
    except (ValueError, KeyError, TypeError, AttributeError):
        yield path.read_bytes().decode("utf-8", "replace")
        return
    if any(size > SIGNATURE_BYTES for size in sizes):
        yield path.read_bytes().decode("utf-8", "replace")
    yield statement.decode("utf-8", "replace")
    yield from _strings([bundle, envelope, signatures])


def _strings(value: Any, key: str = "") -> Iterator[str]:
    """Yield every string, a short one with its key before it too: `password: …` is known by its name."""
    if isinstance(value, str):
        yield value
        if key and len(value) < NAMED and not DIGEST.fullmatch(value) and not set(value) & set(' "\n'):
            yield f'{key}: "{value}"'
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _runs(path: Path) -> Iterator[tuple[int, str]]:
    """Yield a text whole, and of any other file what can be read in it: runs of ASCII, in UTF-16 too.

    Files are read in windows that overlap, so that nothing is cut in two unseen.
    """
    line, tail = 1, b""
    with path.open("rb") as stream:
        while block := stream.read(WINDOW):
            window = tail + block
            yield line, _readable(window)
            tail = window[-OVERLAP:]
            line += window.count(b"\n") - tail.count(b"\n")


def _readable(window: bytes) -> str:
    if b"\0" not in window:
        return window.decode("utf-8", "replace")
    wide = [match[0][::2] for match in WIDE.finditer(window)]
    return b"\n".join([*READABLE.findall(window), *wide]).decode("ascii")


def check_canaries(folder: Path, canaries: Iterable[str]) -> None:
    """Raise Withheld when a phrase planted to measure memorising is in what would be published."""
    planted = [canary.encode() for canary in canaries]
    if (folder / CANARIES).exists():
        raise Withheld(f"{CANARIES} is among the files.", "Lay the release out again: `--only publish`.")
    for path in folder.rglob("*") if planted else ():
        if path.is_file() and any(canary in path.read_bytes() for canary in planted):
            raise Withheld(
                f"{path.relative_to(folder)} holds a planted canary.", "Lay the release out again: `--only publish`."
            )


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
