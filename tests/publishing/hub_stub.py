"""A Hugging Face Hub on loopback: whoami, repositories, LFS, atomic commits, tags; and it fails when told to.

Written from what `huggingface_hub` sends and reads. Hugging Face's own commit tests, from the client's source
distribution, were run against it by hand: docs/benchmarks.md says how many hold, and what it doesn't know.
"""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from tests.publishing import hub_transfers as transfers

TOKEN = "hf_" + "x" * 10  # shaped unlike a real one
LARGE = (".safetensors", ".bin", ".parquet")


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Commit:
    oid: str
    title: str
    message: str
    files: dict[str, bytes]


@dataclass
class Repo:
    private: bool
    commits: list[Commit]
    tags: dict[str, str] = field(default_factory=dict)

    def at(self, revision: str) -> Commit | None:
        revision = self.tags.get(revision, revision)
        if revision == "main":
            return self.commits[-1]
        return next((one for one in self.commits if one.oid == revision), None)


@dataclass
class Fault:
    """What happens at one request: `before` and `after` are called; `status` answers; `lost` closes unanswered."""

    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    lost: str = ""  # "before" or "after" it is carried out
    once: bool = True


class HubStub:
    """The server. `requests` lists what came; `faults` maps a request's number, or a pattern, to what goes wrong."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.large: dict[str, bytes] = {}
        self.pieces: dict[str, dict[int, bytes]] = {}
        self.piece_bytes = 0  # files larger than this go in pieces of this size; 0: all go whole
        self.xet_store = ""  # a folder: large files go there through Xet
        self.xet_files: list[bytes] = []  # what is expected there: the store's format is Xet's own
        self.renamed: dict[str, str] = {}  # old name → new one; requests are redirected, as the Hub does
        self.requests: list[str] = []
        self.received: list[bytes] = []
        self.faults: dict[int | str, Fault] = {}
        self.identity: dict[str, Any] = {
            "type": "user", "name": "ada", "orgs": [{"name": "org", "roleInOrg": "write"}],
            "auth": {"accessToken": {"role": "write"}},
        }  # fmt: skip
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def make(self, kind: str, name: str, private: bool = True) -> Repo:
        first = Commit(hashlib.sha1(f"{kind}{name}".encode()).hexdigest(), "initial commit", "",
                       {".gitattributes": b"*.safetensors filter=lfs\n"})  # fmt: skip
        self.repos[kind, name] = repo = Repo(private, [first])
        return repo

    def files(self, kind: str, name: str, revision: str = "main") -> dict[str, bytes]:
        commit = self.repos[kind, name].at(revision)
        assert commit is not None
        return {path: content for path, content in commit.files.items() if path != ".gitattributes"}

    def fault(self, number: int, request: str) -> Fault | None:
        for key in (number, *[key for key in self.faults if isinstance(key, str)]):
            if key in self.faults and (key == number or re.search(str(key), request)):
                return self.faults.pop(key) if self.faults[key].once else self.faults[key]
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubStub

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def answer(self, status: int, value: Any = None, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value if value is not None else {}).encode()
        self.send_response(status)
        for name, content in {"Content-Type": "application/json", "X-Request-Id": "stub", **(headers or {})}.items():
            self.send_header(name, content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _do(self) -> None:
        address = urlsplit(self.path)
        request = f"{self.command} {unquote(address.path)}"
        body = self._body()
        with self.hub.lock:
            self.hub.requests.append(request)
            self.hub.received.append(body)
            fault = self.hub.fault(len(self.hub.requests), request)
        if fault and fault.before:
            fault.before()
        if fault and fault.lost == "before":
            self.close_connection = True
            return
        if fault and fault.status:
            self.answer(fault.status, {"error": "told to fail"}, fault.headers)
            return
        with self.hub.lock:
            status, value, headers = self._act(request, body, parse_qs(address.query))
        if fault and fault.after:
            fault.after()
        if fault and fault.lost == "after":
            self.close_connection = True
            return
        self.answer(status, value, headers)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _do

    def _act(self, request: str, body: bytes, query: dict[str, list[str]]) -> tuple[int, Any, dict[str, str]]:
        method, path = request.split(" ", 1)
        if path.startswith(transfers.SIGNED):
            return transfers.receive(self.hub, method, path, body)
        for old, new in self.hub.renamed.items():
            if f"/{old}" in path:
                return 307, {}, {"Location": path.replace(f"/{old}", f"/{new}")}
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        for pattern, act in ROUTES:
            if match := re.fullmatch(pattern, request):
                if not known and not (method in ("GET", "HEAD") and is_public(self.hub, match)):
                    return 401, {"error": "Invalid credentials"}, {}
                result = act(self.hub, match, body)
                return (*result, {}) if len(result) == 2 else result
        return 404, {"error": f"no route {request}"}, {"X-Error-Message": "no route"}


NO_REPO = (404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})


def is_public(hub: HubStub, match: Any) -> bool:
    """Tell whether what is asked for may be read by anybody."""
    found = match.groupdict()
    kind = found.get("kind") or ("dataset" if found.get("prefix") else "model")
    repo = hub.repos.get((kind, found.get("name") or ""))
    return repo is not None and not repo.private


def whoami(hub: HubStub, match: Any, body: bytes) -> Any:
    return 200, hub.identity


def create(hub: HubStub, match: Any, body: bytes) -> Any:
    asked = json.loads(body)
    name = f"{asked.get('organization') or hub.identity['name']}/{asked['name']}"
    kind = asked.get("type", "model")
    url = f"{hub.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
    if (kind, name) in hub.repos:
        return 409, {"error": "You already created this repo", "url": url}
    hub.make(kind, name, private=asked.get("visibility") == "private" or asked.get("private") is True)
    return 200, {"url": url, "id": name, "name": name}


def validate(hub: HubStub, match: Any, body: bytes) -> Any:
    """Refuse what the Hub refuses of a card's metadata, as far as its own tests show it."""
    found = re.match(r"\s*---\n(.*?)\n---", json.loads(body)["content"], re.DOTALL)
    metadata = yaml.safe_load(found[1]) if found else {}
    if not isinstance(metadata, dict | None) or not isinstance((metadata or {}).get("model-index", []), list):
        return 400, {"errors": [{"message": '"model-index" must be an array'}], "warnings": []}
    missing = [] if metadata else [{"message": "empty or missing yaml metadata in repo card"}]
    return 200, {"errors": [], "warnings": missing}


def repo_of(hub: HubStub, match: Any) -> Repo | None:
    return hub.repos.get((match["kind"], match["name"]))


def info(hub: HubStub, match: Any, body: bytes) -> Any:
    repo = repo_of(hub, match)
    if repo is None:
        return NO_REPO
    commit = repo.at(match.groupdict().get("revision") or "main")
    if commit is None:
        return 404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"}
    files = [{"rfilename": path} for path in commit.files]
    return 200, {"id": match["name"], "sha": commit.oid, "private": repo.private, "siblings": files, "tags": []}


def tree(hub: HubStub, match: Any, body: bytes) -> Any:
    repo = repo_of(hub, match)
    if repo is None:
        return NO_REPO
    commit = repo.at(match["revision"])
    if commit is None:
        return 404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"}
    found = []
    for path, content in commit.files.items():
        entry = {"type": "file", "path": path, "size": len(content), "oid": blob_id(content)}
        if path.endswith(LARGE):
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        found.append(entry)
    return 200, found


def refs(hub: HubStub, match: Any, body: bytes) -> Any:
    repo = repo_of(hub, match)
    if repo is None:
        return NO_REPO
    tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid} for name, oid in repo.tags.items()]
    main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repo.commits[-1].oid}
    return 200, {"branches": [main], "converts": [], "tags": tags}


def commits(hub: HubStub, match: Any, body: bytes) -> Any:
    repo = repo_of(hub, match)
    if repo is None:
        return NO_REPO
    return 200, [
        {"id": one.oid, "authors": [{"user": "ada"}], "date": "2026-01-01T00:00:00.000Z",
         "title": one.title, "message": one.message}
        for one in reversed(repo.commits)
    ]  # fmt: skip


def tag(hub: HubStub, match: Any, body: bytes) -> Any:
    repo, name = repo_of(hub, match), json.loads(body)["tag"]
    if repo is None:
        return NO_REPO
    if name in repo.tags:
        return 409, {"error": "Tag reference exists already"}
    commit = repo.at(match["revision"])
    if commit is None:
        return 404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"}
    repo.tags[name] = commit.oid
    return 200, {}


def preupload(hub: HubStub, match: Any, body: bytes) -> Any:
    repo = repo_of(hub, match)
    if repo is None:
        return NO_REPO
    there = repo.commits[-1].files
    answer = []
    for file in json.loads(body)["files"]:
        path = file["path"]
        large = path.endswith(LARGE)
        entry = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
        if path in there:
            entry["oid"] = hashlib.sha256(there[path]).hexdigest() if large else blob_id(there[path])
        answer.append(entry)
    return 200, {"files": answer}


def commit(hub: HubStub, match: Any, body: bytes) -> Any:
    repo = repo_of(hub, match)
    if repo is None:
        return NO_REPO
    lines = [json.loads(line) for line in body.splitlines() if line.strip()]
    header, head = lines[0]["value"], repo.commits[-1]
    parent = header.get("parentCommit")
    if parent and not head.oid.startswith(parent):
        return 412, {"error": "The branch was updated since you opened this page. Please refresh and try again."}
    files = dict(head.files)
    for line in lines[1:]:
        value = line["value"]
        if {"..", "."} & set(re.split(r"[/\\]", value["path"])):
            return 422, {"error": f"Invalid path {value['path']}"}
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            if not transfers.has(hub, value["oid"]):
                return 400, {"error": "LFS object is missing"}
            files[value["path"]] = hub.large[value["oid"]]
        elif line["key"] == "deletedFile":
            if files.pop(value["path"], None) is None:
                return 404, {"error": "A file with this name doesn't exist"}, {"X-Error-Code": "EntryNotFound"}
        elif line["key"] == "deletedFolder":
            files = {path: content for path, content in files.items() if not path.startswith(value["path"])}
    oid = hashlib.sha1(f"{head.oid}{len(repo.commits)}{time.time_ns()}".encode()).hexdigest()
    repo.commits.append(Commit(oid, header["summary"], header.get("description", ""), files))
    prefix = "datasets/" if match["kind"] == "dataset" else ""
    return 200, {"success": True, "commitOid": oid, "commitUrl": f"{hub.url}/{prefix}{match['name']}/commit/{oid}"}


def resolve(hub: HubStub, match: Any, body: bytes) -> Any:
    kind = "dataset" if match["prefix"] else "model"
    repo = hub.repos.get((kind, match["name"]))
    if repo is None:
        return NO_REPO
    found = repo.at(match["revision"])
    if found is None:
        return 404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"}
    if match["path"] not in found.files:
        return 404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": found.oid}
    content = found.files[match["path"]]
    headers = {"X-Repo-Commit": found.oid, "ETag": f'"{blob_id(content)}"', "Content-Type": "application/octet-stream"}
    return 200, content, headers


NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
KIND = rf"/api/(?P<kind>model|dataset)s/{NAME}"
ROUTES: tuple[tuple[str, Callable[..., Any]], ...] = (
    (r"GET /api/whoami-v2", whoami),
    (r"POST /api/repos/create", create),
    (r"POST /api/validate-yaml", validate),
    (rf"GET {KIND}/tree/(?P<revision>[^/]+)(?:/.*)?", tree),
    (rf"GET {KIND}/refs", refs),
    (rf"GET {KIND}/commits/(?P<revision>[^/]+)", commits),
    (rf"POST {KIND}/tag/(?P<revision>[^/]+)", tag),
    (rf"POST {KIND}/preupload/(?P<revision>[^/]+)", preupload),
    (rf"POST {KIND}/commit/(?P<revision>[^/]+)", commit),
    (rf"GET {KIND}/revision/(?P<revision>[^/]+)", info),
    (rf"GET {KIND}", info),
    (r"POST /(?:datasets/)?[\w.-]+/[\w.-]+\.git/info/lfs/objects/batch", transfers.batch),
    (r"POST /lfs-verify", transfers.verify),
    (rf"GET {KIND}/xet-write-token/(?P<revision>[^/]+)", transfers.xet_token),
    (rf"(?:GET|HEAD) /(?P<prefix>datasets/)?{NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", resolve),
)
