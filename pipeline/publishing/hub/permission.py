"""May this token write there: asked before anything is sent."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.publishing.interface import Kind, NotAllowed, Unreachable

WRITERS = ("admin", "write", "contributor")
ACCOUNTS = ("user", "org", "")


class Entity(msgspec.Struct, frozen=True):
    """What a permission is for: a user, an organisation, or one repository of a kind."""

    name: str = ""
    type: str = ""


class Scope(msgspec.Struct, frozen=True):
    """What a fine-grained token may do with one entity."""

    entity: Entity = Entity()
    permissions: tuple[str, ...] = ()


class FineGrained(msgspec.Struct, frozen=True):
    """The scopes of a fine-grained token."""

    scoped: tuple[Scope, ...] = ()


class Token(msgspec.Struct, frozen=True, rename="camel"):
    """What the Hub knows of a token."""

    role: str | None = None
    fine_grained: FineGrained | None = None


class Authorised(msgspec.Struct, frozen=True, rename="camel"):
    """How the asker is known."""

    access_token: Token | None = None


class Organisation(msgspec.Struct, frozen=True, rename={"role": "roleInOrg"}):
    """An organisation of the asker's; where the Hub says no role, they write."""

    name: str = ""
    role: str = "write"


class Identity(msgspec.Struct, frozen=True):
    """A `whoami` answer, as far as it tells what may be written."""

    name: str
    orgs: tuple[Organisation, ...] | None = None
    auth: Authorised | None = None

    @property
    def token(self) -> Token:
        """Return what is known of the token; nothing is none that writes."""
        return (self.auth and self.auth.access_token) or Token()


def read(answer: Any) -> Identity:
    """Return who a token belongs to; raise Unreachable for an answer that isn't the Hub's."""
    try:
        return msgspec.convert(answer, Identity)
    except msgspec.ValidationError as error:
        raise Unreachable(f"What answers isn't the Hub's API ({error}).", "Check publish.endpoint.") from error


def check(identity: Identity, repository: str, kind: Kind, *, there: bool) -> None:
    """Raise NotAllowed when a token can't write to a repository, or not make the one that isn't `there`."""
    namespace = repository.split("/", 1)[0]
    if not _belongs(identity, namespace):
        raise NotAllowed(
            f"The token is {identity.name}'s, who can't write to {namespace}.",
            "Correct fine_tuning.hf_repo_prefix, or use a token of that namespace.",
        )
    if not _writes(identity.token, repository, kind, alone=there):
        if _writes(identity.token, repository, kind, alone=True):
            raise NotAllowed(
                f"The token may write to {repository}, but not make it, and it isn't there.",
                f"Make it by hand (a private {kind}), or use a token with write permission for {namespace}.",
            )
        raise NotAllowed(
            f"The token may not write to {repository}.", "Make a token with write permission for that namespace."
        )


def _belongs(identity: Identity, namespace: str) -> bool:
    """Tell whether the namespace is the user's own or an organisation's in which they write."""
    own = {one.name.lower() for one in identity.orgs or () if one.role in WRITERS}
    return namespace.lower() in {identity.name.lower(), *own}


def _writes(token: Token, repository: str, kind: Kind, *, alone: bool) -> bool:
    """Tell whether the token writes there; `alone`: a permission for this one repository will do."""
    if token.role != "fineGrained" or token.fine_grained is None:
        return token.role in ("write", "admin")
    namespace = repository.lower().split("/", 1)[0]
    for scope in token.fine_grained.scoped:
        name, of = scope.entity.name.lower(), scope.entity.type
        whole = name == namespace and of in ACCOUNTS
        one = alone and name == repository.lower() and of in (kind, "")
        if (whole or one) and "repo.write" in scope.permissions:
            return True
    return False
