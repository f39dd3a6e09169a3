"""CVEfixes, an SQLite database: functions before and after the commits that fixed CVEs.

Bhandari, Naseer, Moonen 2021, "CVEfixes: Automated Collection of Vulnerabilities and Their Fixes".
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.errors import InputRefused
from pipeline.dataset.importers.interface import Counts, Labelled, identifier

_FUNCTIONS = """
SELECT file.hash, coalesce(file.new_path, file.old_path, file.filename), file.programming_language,
       method.file_change_id, method.name, method.code, method.before_change
  FROM method_change AS method JOIN file_change AS file ON file.file_change_id = method.file_change_id
 ORDER BY method.file_change_id, method.name, method.before_change DESC, method.method_change_id
"""
_FIXES = "SELECT hash, cve_id, repo_url FROM fixes ORDER BY hash, cve_id"
_CWES = "SELECT cve_id, cwe_id FROM cwe_classification ORDER BY cve_id, cwe_id"


class Cvefixes:
    """Reads `CVEfixes.db`; what stood before the fix counts as vulnerable, what stands after it as safe.

    A function that a commit didn't change is left out: it stands on both sides with one text.
    """

    name = "cvefixes"
    releases: Mapping[str, Counts] = {
        "v1.0.0": {"CVEs": 5_365, "commits": 5_495},
        "v1.0.8": {"CVEs": 11_873, "commits": 12_107},
    }

    def read(self, path: Path) -> Iterator[Labelled]:
        """Yield the changed functions, by file and name, the vulnerable side first."""
        with _opened(path) as database:
            about = _commits(database)
            cwes: dict[str, set[int]] = defaultdict(set)
            for cve, cwe in database.execute(_CWES):
                if number := re.fullmatch(r"CWE-(\d+)", cwe or ""):
                    cwes[cve].add(int(number.group(1)))
            unchanged = _unchanged(database)
            for row in database.execute(_FUNCTIONS):
                if row[5] and row[0] in about and (row[3], row[4], row[5]) not in unchanged:
                    yield _labelled(row, about[row[0]], cwes)

    def counts(self, path: Path) -> dict[str, int]:
        """Return how many CVEs and commits the database holds."""
        with _opened(path) as database:
            sql = "SELECT count(DISTINCT cve_id), count(DISTINCT hash) FROM fixes"
            cves, commits = database.execute(sql).fetchone()
        return {"CVEs": cves, "commits": commits}


def _commits(database: sqlite3.Connection) -> dict[str, tuple[str, list[str]]]:
    """Return repository and CVEs of each commit."""
    about: dict[str, tuple[str, list[str]]] = {}
    for commit, cve, repository in database.execute(_FIXES):
        about.setdefault(commit, (repository, []))[1].append(cve)
    return about


def _unchanged(database: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Return file, name and text of functions that stand on both sides."""
    sides: dict[tuple[str, str, str], set[bool]] = defaultdict(set)
    for row in database.execute(_FUNCTIONS):
        sides[row[3], row[4], row[5]].add(_before(row[6]))
    return {function for function, seen in sides.items() if len(seen) == 2}


def _labelled(row: tuple[str, ...], about: tuple[str, list[str]], cwes: Mapping[str, set[int]]) -> Labelled:
    commit, path, language, file, name, code, side = row
    repository, cves = about
    return Labelled(
        id=identifier("cvefixes", str(file), name, side, code),
        source="cvefixes",
        code=code,
        vulnerable=_before(side),
        language=(language or "").lower(),
        pair=identifier("cvefixes", str(file), name),
        cwes=tuple(sorted({number for cve in cves for number in cwes[cve]})),
        cves=tuple(sorted(set(cves))),
        project=repository,
        commit=commit,
        path=path,
    )


def _before(side: object) -> bool:
    return str(side) in ("True", "1")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database for reading; raise InputRefused when it isn't one, or not this set's."""
    if not path.is_file():
        raise InputRefused(f"There is no CVEfixes database at {path}.", "Name CVEfixes.db; unpack its SQL first.")
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        yield database
    except sqlite3.DatabaseError as error:
        raise InputRefused(
            f"{path.name} isn't CVEfixes' database: {error}.", "Load its SQL into SQLite first."
        ) from error
    finally:
        database.close()
