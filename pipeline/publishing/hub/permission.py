"""May this token write there: asked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.publishing.interface import NotAllowed

WRITERS = ("admin", "write", "contributor")


def check(identity: Mapping[str, Any], repositories: Sequence[str]) -> None:
    """Raise NotAllowed when the token behind a `whoami` answer can't write to one of the repositories."""
    for repository in repositories:
        namespace = repository.split("/", 1)[0]
        if not _belongs(identity, namespace):
            raise NotAllowed(
                f"The token is {identity.get('name', 'nobody')}'s, who can't write to {namespace}.",
                "Correct fine_tuning.hf_repo_prefix, or use a token of that namespace.",
            )
        if not _writes(identity, namespace, repository):
            raise NotAllowed(
                f"The token may not write to {repository}.", "Make a token with write permission for that namespace."
            )


def _belongs(identity: Mapping[str, Any], namespace: str) -> bool:
    """Tell whether the namespace is the user's own or an organisation's in which they write."""
    if str(identity.get("name", "")).lower() == namespace.lower():
        return True
    return any(
        str(one.get("name", "")).lower() == namespace.lower() and one.get("roleInOrg", "write") in WRITERS
        for one in identity.get("orgs") or ()
    )


def _writes(identity: Mapping[str, Any], namespace: str, repository: str) -> bool:
    token = (identity.get("auth") or {}).get("accessToken") or {}
    match token.get("role"):
        case "write" | "admin":
            return True
        case "fineGrained":
            scoped = (token.get("fineGrained") or {}).get("scoped") or ()
            return any(_grants(one, namespace, repository) for one in scoped)
        case _:
            return False


def _grants(scope: Mapping[str, Any], namespace: str, repository: str) -> bool:
    name = str((scope.get("entity") or {}).get("name", "")).lower()
    return name in (namespace.lower(), repository.lower()) and "repo.write" in (scope.get("permissions") or ())
