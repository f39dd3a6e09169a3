"""A teacher behind any address that speaks OpenAI's chat completions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import requests

from config.errors import Postponed
from config.settings import Teacher as TeacherSettings
from pipeline.dataset.teacher.interface import Answered, Conversation, TeacherFailed

TOKEN = "FIXSMITH_TEACHER_TOKEN"  # noqa: S105 - the variable's name
LONGEST = 1_000_000
"""Bytes of a reply that are read."""
_BUSY = frozenset({429, 502, 503, 529})


class Service:
    """Asks one question at a time; redirects aren't followed and no proxy or netrc of the environment is used."""

    def __init__(self, settings: TeacherSettings) -> None:
        self._settings = settings
        self._address = settings.address.rstrip("/") + "/chat/completions"
        self._session = requests.Session()
        self._session.trust_env = False
        if token := os.environ.get(TOKEN):
            self._session.headers["Authorization"] = f"Bearer {token}"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._settings.model

    def write(self, asked: Sequence[Conversation], answered: Answered) -> None:
        """Answer each conversation; raise TeacherFailed, or Postponed while the service is busy."""
        for number, conversation in enumerate(asked):
            answered(number, self._answer(conversation))

    def _answer(self, conversation: Conversation) -> str:
        body = {
            "model": self._settings.model,
            "messages": [{"role": message.role, "content": message.content} for message in conversation],
            "max_tokens": self._settings.tokens,
            "temperature": 0,
        }
        try:
            reply = self._session.post(
                self._address, json=body, timeout=self._settings.seconds, allow_redirects=False, stream=True
            )
            with reply:
                content = reply.raw.read(LONGEST + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise TeacherFailed(
                f"The teacher at {self._settings.address} can't be reached ({type(error).__name__}).",
                "Start it, or empty teacher.address; what was written is kept.",
            ) from error
        if reply.status_code in _BUSY:
            raise Postponed("The teacher is busy.", "The same command goes on from here.")
        if reply.status_code != requests.codes.ok:
            raise TeacherFailed(
                f"The teacher at {self._settings.address} answers {reply.status_code}.",
                f"Check teacher.model and ${TOKEN}.",
            )
        return _text(content)


def _text(content: bytes) -> str:
    """Return the first choice's text; an answer cut off by its length is none ("")."""
    import msgspec

    try:
        choice: Any = msgspec.json.decode(content)["choices"][0]
        text = choice["message"]["content"]
    except (msgspec.DecodeError, KeyError, IndexError, TypeError) as error:
        raise TeacherFailed(
            "The teacher's reply isn't one of chat completions.", "Check that teacher.address ends in /v1."
        ) from error
    return text if isinstance(text, str) and choice.get("finish_reason") != "length" else ""
