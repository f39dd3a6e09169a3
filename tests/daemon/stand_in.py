"""A GitHub on loopback: the API on one port, blob storage on another, with faults on demand.

It answers as GitHub does where the service depends on it: ETags for each token, 304 without
quota, `Link` with `/repositories/{id}/…`, newest first, `branch` and `created` filters, the end
of filtered lists, 302 to storage, 410, rate-limit headers by its own clock. Storage answers 400
to a request that carries a token, as Azure does.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from tests.daemon.shapes import repository, show_artifact, show_run, stamp

TOKEN = "stand-in-token"


class StandIn:
    """What this GitHub holds. `clock` is its own; `list_end` is where filtered lists stop."""

    def __init__(self, clock=time.time, list_end=1000):
        self.clock = clock
        self.list_end = list_end
        self.lock = threading.RLock()
        self.tokens = {TOKEN}
        self.repositories = {}
        self.renamed = {}
        self.runs = {}
        self.artifacts = {}
        self.blobs = {}
        self.faults = []
        self.requests = []
        self.storage_requests = []
        self.remaining = 5000
        self.storage_port = None
        self.skew = 0.0
        self._numbers = iter(range(1000, 10**9))
        self.api = _serve(self, Api)
        self.storage = _serve(self, Storage)

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.api.server_port}"

    def close(self):
        for server in (self.api, self.storage):
            server.shutdown()
            server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def repository(self, name, number=None, branch="main"):
        with self.lock:
            number = number or next(self._numbers)
            self.repositories[name] = {"id": number, "branch": branch, "commits": set()}
            return number

    def run(self, name, *, created=None, status="completed", conclusion="success", event="push", branch="main",
            path=".github/workflows/security.yml", fork=None, on_branch=True, artifacts=None,
            deleted_fork=False):  # fmt: skip
        with self.lock:
            number = next(self._numbers)
            created = self.clock() if created is None else created
            repository = self.repositories[name]
            sha = hashlib.sha1(str(number).encode()).hexdigest()
            if on_branch and not fork:
                repository["commits"].add(sha)
            head = None if deleted_fork else fork or repository["id"]
            self.runs[number] = {
                "id": number, "repository": name, "status": status,
                "conclusion": conclusion if status == "completed" else None,
                "event": event, "branch": branch, "path": path, "sha": sha, "head": head, "created": created,
                "updated": created, "attempt": 1,
            }  # fmt: skip
            for artifact, content in (artifacts or {}).items():
                self.upload(number, artifact, content)
            return number

    def finish(self, number, conclusion="success"):
        with self.lock:
            self.runs[number].update(status="completed", conclusion=conclusion, updated=self.clock())

    def rerun(self, number):
        with self.lock:
            run = self.runs[number]
            run.update(attempt=run["attempt"] + 1, updated=self.clock())

    def rename(self, old, new):
        with self.lock:
            self.repositories[new] = self.repositories.pop(old)
            self.renamed[old] = new
            for run in self.runs.values():
                run["repository"] = new if run["repository"] == old else run["repository"]

    def upload(self, run, name, content, *, file_name=None, expired=False, digest=True):
        with self.lock:
            number = next(self._numbers)
            self.blobs[number] = content
            self.artifacts[number] = {
                "id": number, "run": run, "name": name, "size": len(content), "expired": expired,
                "digest": "sha256:" + hashlib.sha256(content).hexdigest() if digest else None, "file_name": file_name,
            }  # fmt: skip
            return number

    def fail(self, pattern, fault, times=1, where="api"):
        with self.lock:
            self.faults.append([re.compile(pattern), fault, times, where])

    def fault(self, path, where):
        with self.lock:
            for entry in self.faults:
                if entry[2] > 0 and entry[3] == where and entry[0].search(path):
                    entry[2] -= 1
                    return entry[1]
        return None

    def count(self):
        return Counter(f"{status} {path.split('?')[0]}" for status, path, _ in self.requests)


def _serve(state, handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.state = state
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return formatdate(self.server.state.clock() + self.server.state.skew, usegmt=True)

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, OSError):
            self.close_connection = True

    def send(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            if value is not None:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def misbehave(self, fault, body=b"", headers=None):
        """Do what a broken network or server does."""
        kind, *rest = fault if isinstance(fault, tuple) else (fault,)
        if kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif kind == "stall":
            time.sleep(rest[0])
            self.connection.close()
        elif kind in ("short", "short-unsaid"):
            self.send_response(200)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if kind == "short":
                self.send_header("Content-Length", str(len(body)))
            else:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: rest[0] if rest else len(body) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
        elif kind == "corrupt":
            self.send(200, bytes([body[0] ^ 1]) + body[1:], headers)
        elif kind == "drip":
            self.send_response(rest[1] if len(rest) > 1 else 200)
            for name, value in (rest[2] if len(rest) > 1 else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for index in range(len(body)):
                self.wfile.write(body[index : index + 1])
                time.sleep(rest[0])
        else:
            status, extra, text = kind, *rest
            self.send(status, text.encode(), {"Connection": "close", **extra})
        self.close_connection = True


class Api(Handler):
    def do_GET(self):
        state = self.server.state
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ").removeprefix("token ")
        fault = state.fault(self.path, "api")
        if fault is not None:
            state.requests.append((fault, self.path, dict(self.headers)))
            self.misbehave(fault, b"{}" * 100)
            return
        with state.lock:
            status, body, headers = self.answer(state, token)
        if status == 200:
            etag = '"' + hashlib.sha256(body + token.encode()).hexdigest()[:32] + '"'
            headers["ETag"] = etag
            if self.headers.get("If-None-Match") == etag:
                status, body = 304, b""
        if status != 304:
            state.remaining -= 1
        headers |= {
            "x-ratelimit-limit": "5000", "x-ratelimit-remaining": str(max(0, state.remaining)),
            "x-ratelimit-reset": str(int(state.clock() + state.skew + 1800)),
            "Content-Type": "application/json; charset=utf-8",
        }  # fmt: skip
        state.requests.append((status, self.path, dict(self.headers)))
        self.send(status, body, headers)

    def answer(self, state, token):
        if token not in state.tokens:
            return 401, b'{"message":"Bad credentials"}', {}
        if state.remaining <= 0:
            return 403, b'{"message":"API rate limit exceeded"}', {}
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = re.sub(r"^/repositories/(\d+)", self.by_number, parts.path.removeprefix("/api/v3"))
        found = re.match(r"^/repos/([^/]+/[^/]+)(/.*)?$", path)
        if found and found.group(1) in state.renamed:
            number = state.repositories[state.renamed[found.group(1)]]["id"]
            rest = f"{found.group(2) or ''}{'?' if parts.query else ''}{parts.query}"
            return (
                301,
                b'{"message":"Moved Permanently"}',
                {"Location": f"{state.base_url}/repositories/{number}{rest}"},
            )
        if not found or found.group(1) not in state.repositories:
            return 404, b'{"message":"Not Found"}', {}
        return self.route(state, found.group(1), found.group(2) or "", query)

    def by_number(self, found):
        number = int(found.group(1))
        names = [name for name, one in self.server.state.repositories.items() if one["id"] == number]
        return f"/repos/{names[0] if names else 'gone/gone'}"

    def route(self, state, name, rest, query):
        if rest == "":
            return 200, dump(repository(state, name, full=True)), {}
        if rest == "/actions/runs":
            return self.list_runs(state, name, query)
        if found := re.match(r"^/actions/runs/(\d+)$", rest):
            run = state.runs.get(int(found.group(1)))
            return (200, dump(show_run(state, run)), {}) if run else (404, b'{"message":"Not Found"}', {})
        if found := re.match(r"^/actions/runs/(\d+)/artifacts$", rest):
            return self.list_artifacts(state, name, int(found.group(1)), query)
        if found := re.match(r"^/actions/artifacts/(\d+)/zip$", rest):
            return self.redirect(state, int(found.group(1)))
        if found := re.match(r"^/compare/([^.]+)\.\.\.(\w+)$", rest):
            is_on = found.group(2) in state.repositories[name]["commits"]
            return 200, dump({"status": "behind" if is_on else "diverged", "ahead_by": 0, "behind_by": 1}), {}
        return 404, b'{"message":"Not Found"}', {}

    def list_runs(self, state, name, query):
        chosen = [run for run in state.runs.values() if run["repository"] == name]
        if "branch" in query:
            chosen = [run for run in chosen if run["branch"] == query["branch"]]
        if query.get("created", "").startswith("<="):
            bound = query["created"][2:]
            chosen = [run for run in chosen if stamp(run["created"]) <= bound]
        chosen.sort(key=lambda run: (run["created"], run["id"]), reverse=True)
        total = len(chosen)
        shown, headers = self.page(chosen[: state.list_end], name, "/actions/runs", query, 30)
        return 200, dump({"total_count": total, "workflow_runs": [show_run(state, run) for run in shown]}), headers

    def list_artifacts(self, state, name, run, query):
        chosen = [one for one in state.artifacts.values() if one["run"] == run]
        shown, headers = self.page(chosen, name, f"/actions/runs/{run}/artifacts", query, 30)
        body = {"total_count": len(chosen), "artifacts": [show_artifact(state, name, one) for one in shown]}
        return 200, dump(body), headers

    def page(self, chosen, name, path, query, size):
        size, number = min(100, int(query.get("per_page", size))), int(query.get("page", 1))
        shown = chosen[(number - 1) * size : number * size]
        if number * size >= len(chosen):
            return shown, {}
        identity = self.server.state.repositories[name]["id"]
        rest = "&".join(f"{key}={quote(value)}" for key, value in query.items() if key != "page")
        link = f"{self.server.state.base_url}/repositories/{identity}{path}?{rest}&page={number + 1}"
        return shown, {"Link": f'<{link}>; rel="next", <{link}>; rel="last"'}

    def redirect(self, state, number):
        artifact = state.artifacts.get(number)
        if artifact is None:
            return 404, b'{"message":"Not Found"}', {}
        if artifact["expired"]:
            return 410, b'{"message":"Artifact has expired"}', {}
        if "location" in artifact:
            return 302, b"", {"Location": artifact["location"]()}
        port = state.storage_port or state.storage.server_port
        return 302, b"", {"Location": f"http://127.0.0.1:{port}/blob/{number}?sig=secret&se={int(state.clock()) + 60}"}


class Storage(Handler):
    def do_GET(self):
        state = self.server.state
        state.storage_requests.append((self.path, dict(self.headers)))
        if self.headers.get("Authorization"):
            self.send(400, b"InvalidAuthenticationInfo")
            return
        number = int(re.match(r"^/blob/(\d+)", self.path).group(1))
        body, artifact = state.blobs[number], state.artifacts[number]
        headers = {"Content-Type": "application/zip"}
        if artifact["file_name"]:
            named = f'attachment; filename="{artifact["file_name"]}"'
            headers = {"Content-Type": "application/octet-stream", "Content-Disposition": named}
        fault = state.fault(self.path, "storage")
        if fault is not None:
            self.misbehave(fault, body, headers)
            return
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if not wanted:
            self.send(200, body, headers)
            return
        start = int(wanted.group(1))
        if start >= len(body):
            self.send(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            return
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self.send(206, body[start:], headers)


def dump(value):
    return json.dumps(value).encode()
