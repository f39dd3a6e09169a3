"""The CWE catalogue: MITRE's own list of weaknesses, version 4.14, as it comes in the package `cwe2`.

`cwe2` (MIT) ships MITRE's XML unchanged beside MITRE's terms: royalty-free for research,
development and commercial use, when copyright and licence go along; every passage names both.
The package is fetched at set-up (9 MB) instead of being a dependency: only its XML is used,
and that becomes a small file in the cache.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element

import msgspec
from defusedxml.ElementTree import fromstring

from pipeline.knowledge.interface import LAYOUT, Entry
from pipeline.models.package import Package, extract
from pipeline.records import Passage, Record

VERSION = "4.14"
PACKAGE = Package(
    "cwe2==3.0.0",
    "abef03eb853f5c1851df6af5167bd9fe73a53dddb119fdbc5c3afc7d50b9f55b",
    holds="the CWE catalogue",
    otherwise="Without it: --disable-rag.",
)
SOURCE = f"CWE {VERSION}, cwe.mitre.org"
LICENCE = "CWE Terms of Use, Copyright © 2006-2024 The MITRE Corporation"
_XML = "cwe2/database_v49/cwec_v4.14.xml"
_NAMESPACE = "{http://cwe.mitre.org/cwe-7}"
_PHASES = ("Implementation", "Build and Compilation", "System Configuration", "Operation", "Architecture and Design")
_USAGE = {"Allowed": 1.0, "Allowed-with-Review": 0.6, "Discouraged": 0.4, "Prohibited": 0.0}


class Weakness(Record):
    """One weakness of the catalogue; texts are plain, one line each."""

    id: int
    name: str
    description: str
    usage: str
    abstraction: str
    extended: str = ""
    alternates: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    mitigations: tuple[tuple[str, str], ...] = ()
    examples: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    mapped: bool = False


@cache
def weaknesses() -> dict[int, Weakness]:
    """Return every weakness that isn't deprecated, by number; fetched and read once."""
    folder = extract(PACKAGE, f"cwe-{VERSION}-{LAYOUT}", _build)
    lines = (folder / "weaknesses.jsonl").read_bytes().splitlines()
    found = (msgspec.json.decode(line, type=Weakness) for line in lines)
    return {weakness.id: weakness for weakness in found}


def catalogue_entries() -> Iterator[Entry]:
    """Yield an entry for each weakness, in order of number."""
    for _, weakness in sorted(weaknesses().items()):
        yield entry_of(weakness)


def entry_of(weakness: Weakness) -> Entry:
    """Return the entry of a weakness: what is shown of it is short, what it is found by is all of it."""
    return Entry(
        passage=passage_of(weakness),
        group="cwe",
        title=" ".join([weakness.name, *weakness.alternates]),
        summary=weakness.description,
        body=" ".join([
            weakness.extended, *weakness.consequences, *(text for _, text in weakness.mitigations),
            *weakness.examples, *weakness.observed, *weakness.platforms,
        ]),
        meaning=f"{weakness.name}. {weakness.description}",
        keys=(f"cwe:{weakness.id}",),
        prior=_USAGE.get(weakness.usage, 0.5) * (1.0 if weakness.mapped else 0.5),
    )  # fmt: skip


def passage_of(weakness: Weakness) -> Passage:
    """Return what a prompt shows of a weakness: what it is, what follows from it, what to do."""
    parts = [weakness.description]
    if weakness.consequences:
        parts.append(f"Consequence: {weakness.consequences[0]}")
    mitigations = sorted(weakness.mitigations, key=lambda one: _phase_order(one[0]))
    parts += [f"Mitigation: {_first_sentences(text, 320)}" for _, text in mitigations[:2]]
    return Passage(
        id=f"CWE-{weakness.id}",
        title=f"CWE-{weakness.id}: {weakness.name}",
        text=" ".join(parts),
        source=SOURCE,
        licence=LICENCE,
        cwe=weakness.id,
    )


def _phase_order(phase: str) -> int:
    return _PHASES.index(phase) if phase in _PHASES else len(_PHASES)


def _first_sentences(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    end = text.rfind(". ", 0, limit)
    return text[: end + 1] if end > limit // 3 else text[:limit].rsplit(" ", 1)[0] + " …"


def _build(wheel: zipfile.ZipFile, target: Path) -> None:
    root = fromstring(wheel.read(_XML))
    mapped = _view(root, "1003") | _view(root, "699")
    found = [_weakness(element, mapped) for element in root.iter(f"{_NAMESPACE}Weakness")]
    lines = [msgspec.json.encode(weakness) for weakness in found if weakness is not None]
    (target / "weaknesses.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def _view(root: Element, number: str) -> set[str]:
    """Return the weaknesses of a view, those of its categories too."""
    view = next(element for element in root.iter(f"{_NAMESPACE}View") if element.get("ID") == number)
    members = {member.get("CWE_ID", "") for member in view.iter(f"{_NAMESPACE}Has_Member")}
    for category in root.iter(f"{_NAMESPACE}Category"):
        if category.get("ID") in members:
            members |= {member.get("CWE_ID", "") for member in category.iter(f"{_NAMESPACE}Has_Member")}
    for element in root.iter(f"{_NAMESPACE}Weakness"):
        related = element.iter(f"{_NAMESPACE}Related_Weakness")
        if any(one.get("View_ID") == number and one.get("CWE_ID") in members for one in related):
            members.add(element.get("ID", ""))
    return members


def _weakness(element: Element, mapped: set[str]) -> Weakness | None:
    if element.get("Status") == "Deprecated":
        return None
    number = element.get("ID", "0")
    return Weakness(
        id=int(number),
        name=element.get("Name", ""),
        abstraction=element.get("Abstraction", ""),
        usage=_text(element, "Mapping_Notes/Usage"),
        description=_text(element, "Description"),
        extended=_text(element, "Extended_Description"),
        alternates=_texts(element, "Alternate_Terms/Alternate_Term/Term"),
        consequences=_texts(element, "Common_Consequences/Consequence/Note"),
        mitigations=tuple(
            (_text(one, "Phase"), _text(one, "Description"))
            for one in element.findall(_path("Potential_Mitigations/Mitigation"))
        ),
        examples=_texts(element, "Demonstrative_Examples/Demonstrative_Example/Intro_Text")
        + _texts(element, "Demonstrative_Examples/Demonstrative_Example/Body_Text"),
        observed=_texts(element, "Observed_Examples/Observed_Example/Description"),
        platforms=tuple(
            one.get("Name", "") for one in element.iter() if one.tag.endswith(("}Language", "}Technology"))
        ),
        mapped=number in mapped,
    )


def _text(element: Element, path: str) -> str:
    found = element.find(_path(path))
    return "" if found is None else _plain(found)


def _texts(element: Element, path: str) -> tuple[str, ...]:
    return tuple(text for found in element.findall(_path(path)) if (text := _plain(found)))


def _plain(element: Element) -> str:
    return re.sub(r"\s+", " ", " ".join(element.itertext())).strip()


def _path(path: str) -> str:
    return "/".join(f"{_NAMESPACE}{part}" for part in path.split("/"))
