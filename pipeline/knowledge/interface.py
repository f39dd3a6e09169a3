"""The seam of the knowledge room: what an entry of the knowledge base is, and its errors."""

from __future__ import annotations

from config.errors import Error
from pipeline.records import Passage, Record

LAYOUT = 2
"""Raise it when entries are built or indexed differently: indexes of another layout are rebuilt."""


MAX_TEXT = 1600
"""Characters of a passage."""


class KnowledgeError(Error):
    """The knowledge base can't be built or read."""


class Entry(Record):
    """A passage with what it is found by.

    `title`, `summary` and `body` are searched for words, with falling weight; `meaning` is
    embedded. `keys` are names it is looked up by exactly: `cwe:79`, `advisory:CVE-2024-1`,
    `rule:bandit:B602`. `group` is the kind of passage: cwe, rule, advisory, note or fix.
    `votes` are the CWEs that it speaks for when it answers a question well.
    `prior` is how likely it is to be meant before anything is asked, from 0 to 1.
    """

    passage: Passage
    group: str
    title: str
    summary: str = ""
    body: str = ""
    meaning: str = ""
    keys: tuple[str, ...] = ()
    votes: tuple[int, ...] = ()
    prior: float = 0.0
