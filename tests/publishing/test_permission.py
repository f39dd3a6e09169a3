"""Who may write where: every shape of token and repository, told before anything is sent."""

import pytest

from pipeline.publishing.interface import NotAllowed, Unreachable, Withheld
from tests.publishing.conftest import release
from tests.publishing.hub_stub import Fault, HubStub
from tests.publishing.test_faults import NAME, exactly_one, publish

ASKED = ["GET /api/whoami-v2"]


def scoped(*scopes: tuple[str, str, str]) -> dict:
    """Return a fine-grained token's identity: (kind of entity, its name, permission)."""
    one = [{"entity": {"_id": "0", "type": kind, "name": name}, "permissions": [may]} for kind, name, may in scopes]
    token = {"displayName": "t", "role": "fineGrained", "fineGrained": {"canReadGatedRepos": False, "scoped": one}}
    return {"type": "user", "name": "ada", "orgs": [], "auth": {"type": "access_token", "accessToken": token}}


def plain(role: str, name: str = "ada", *orgs: dict) -> dict:
    return {"name": name, "orgs": list(orgs), "auth": {"accessToken": {"role": role}}}


@pytest.mark.parametrize(
    "identity",
    [
        plain("write", "eve"),
        plain("write", "eve", {"name": "ada", "roleInOrg": "read"}),
        plain("write", "eve", {"name": "ada", "roleInOrg": "no_access"}),
        plain("read"),
        plain("god"),
        {"name": "ada"},
        {"name": "ada", "orgs": None, "auth": None},
        {"name": "ada", "auth": {"type": "oauth", "accessToken": None}},
        scoped(),
        scoped(("user", "ada", "repo.content.read"), ("org", "org", "repo.write")),
        scoped(("model", "ada/other", "repo.write")),
        scoped(("dataset", NAME, "repo.write")),
        scoped(("user", "ada", "discussion.write")),
        {"name": "ada", "auth": {"accessToken": {"role": "fineGrained", "fineGrained": None}}},
    ],
)
def test_a_token_that_may_not_write_there_sends_nothing(hub: HubStub, tmp_path, identity):
    hub.identity = identity
    with pytest.raises(NotAllowed):
        publish(hub, release(tmp_path))
    assert hub.requests == ASKED


@pytest.mark.parametrize(
    "identity",
    [
        plain("write"),
        plain("admin", "ADA"),
        plain("write", "eve", {"name": "ada", "roleInOrg": "contributor"}),
        plain("write", "eve", {"name": "ada"}),
        scoped(("user", "ada", "repo.write")),
    ],
)
def test_a_token_that_may_write_there_does(hub: HubStub, tmp_path, identity):
    hub.identity = identity
    publish(hub, what := release(tmp_path))
    exactly_one(hub, what)


@pytest.mark.parametrize("answer", [[], "html", {"orgs": []}, {"name": "ada", "orgs": {}}, {"name": None}])
def test_what_isnt_the_hub_is_said_so(hub: HubStub, tmp_path, answer):
    hub.identity = answer
    with pytest.raises(Unreachable, match="isn't the Hub's API"):
        publish(hub, release(tmp_path))
    assert hub.requests == ASKED


def test_a_token_for_one_repository_writes_into_it_and_is_told_that_it_cant_make_it(hub: HubStub, tmp_path):
    hub.identity = scoped(("model", NAME, "repo.write"))
    with pytest.raises(NotAllowed, match=r"not make it.*Make it by hand \(a private model\)"):
        publish(hub, what := release(tmp_path))
    assert all(request.startswith("GET") for request in hub.requests)
    hub.make("model", NAME)
    publish(hub, what)
    exactly_one(hub, what)


def test_a_renamed_repository_isnt_written_to_under_its_new_name(hub: HubStub, tmp_path):
    hub.make("model", "eve/y")
    hub.renamed[NAME] = "eve/y"
    with pytest.raises(NotAllowed, match="ada/x-analysis is called eve/y now"):
        publish(hub, release(tmp_path))
    assert all(request.startswith("GET") for request in hub.requests)
    assert len(hub.repos["model", "eve/y"].commits) == 1


def test_a_repository_made_public_while_we_work_gets_no_commit(hub: HubStub, tmp_path):
    hub.make("model", NAME)

    def open_up() -> None:
        hub.repos["model", NAME].private = False

    hub.faults["/refs"] = Fault(before=open_up, status=503)
    with pytest.raises(Withheld, match="is public"):
        publish(hub, release(tmp_path), retry_seconds=0.01)
    assert not any("commit/main" in request or "lfs" in request for request in hub.requests)


def test_what_the_hub_says_of_a_refusal_is_passed_on_without_what_a_terminal_obeys(hub: HubStub, tmp_path):
    hub.faults["commit/main"] = Fault(status=403, headers={"X-Error-Message": "Private storage limit reached \x9b2J"})
    with pytest.raises(NotAllowed, match="403: Private storage limit reached") as raised:
        publish(hub, release(tmp_path))
    assert str(raised.value).isprintable()
