"""CrossVul: files before and after fixes, `CWE-N/LANGUAGE/{bad,good}_COMMIT_NUMBER`, as a folder or its zip.

Nikitopoulos et al. 2021, "CrossVul: A Cross-Language Vulnerability Dataset with Commit Data".
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.errors import InputRefused
from pipeline.dataset.importers.interface import Counts, Labelled, identifier
from pipeline.source.text import absence_of_text, decode

_NAME = re.compile(r"(?:^|/)CWE-(\w[\w-]*)/([^/]+)/(bad|good)_([^/]+)$")
LARGEST = 4_000_000
"""Bytes of a file beyond which it isn't source code."""


class Crossvul:
    """Reads the pairs; a file without its other side, and one that isn't text, is left out."""

    name = "crossvul"
    releases: Mapping[str, Counts] = {"1.0": {"files": 27_476, "pairs": 13_738}}

    def read(self, path: Path) -> Iterator[Labelled]:
        """Yield the files sorted by name, pairs together, the vulnerable side first."""
        with _Files(path) as files:
            whole = {name for name, count in Counter(key for _, key, _ in files.named).items() if count == 2}
            for name, key, match in files.named:
                content = files.read(name)
                if key not in whole or len(content) > LARGEST or absence_of_text(content) is not None:
                    continue
                weakness, language, side, rest = match.groups()
                yield Labelled(
                    id=identifier("crossvul", *key, side),
                    source="crossvul",
                    code=decode(content),
                    vulnerable=side == "bad",
                    language=language,
                    pair=identifier("crossvul", *key),
                    cwes=(int(weakness),) if weakness.isdigit() else (),
                    commit=rest.rpartition("_")[0] or rest,
                )

    def counts(self, path: Path) -> dict[str, int]:
        """Return how many files there are, and how many whole pairs."""
        with _Files(path) as files:
            keys = Counter(key for _, key, _ in files.named)
        return {"files": keys.total(), "pairs": sum(count == 2 for count in keys.values())}


class _Files:
    """The set's files, in a folder or in a zip, which isn't unpacked."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise InputRefused(f"There is no CrossVul at {path}.", "Name its folder or dataset.zip.")
        try:
            self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise InputRefused(f"{path.name} isn't a zip file.", "Fetch CrossVul's dataset.zip again.") from error
        self._folder = path
        names = self._zip.namelist() if self._zip else (p.relative_to(path).as_posix() for p in path.rglob("*"))
        found = ((name, match) for name in names if (match := _NAME.search(name)))
        rows = ((name, (match[1], match[2], match[4]), match) for name, match in found)
        self.named = sorted(rows, key=lambda row: (row[1], row[2][3]))

    def read(self, name: str) -> bytes:
        """Return a file's bytes, at most a little more than LARGEST."""
        if self._zip is None:
            with (self._folder / name).open("rb") as stream:
                return stream.read(LARGEST + 1)
        with self._zip.open(name) as packed:
            return packed.read(LARGEST + 1)

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()
