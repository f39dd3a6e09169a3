"""GitHub's upload side on loopback: its artifact service (Twirp) as a stub, Azure's storage emulator for the blobs.

Needs a folder with the npm packages `@actions/artifact` and `azurite`, see `test_uploader.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

ACCOUNT = "devstoreaccount1"
KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # the emulator's, public
)
VERSION = "2020-12-06"


class Azure:
    """The emulator as a process, on a port of its own."""

    def __init__(self, node, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        program = Path(node) / "node_modules" / ".bin" / "azurite-blob"
        words = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(folder), "--silent"]
        self.log = folder / "debug.log"
        self.process = subprocess.Popen(
            [program, *words, "--skipApiVersionCheck", "--disableTelemetry", "--debug", str(self.log)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("azurite didn't start")

    @property
    def connection(self):
        endpoint = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"

    def link(self, blob, permissions, kind="", disposition=""):
        """Return a blob's address with a signature, as GitHub hands out."""
        until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        place = f"/blob/{ACCOUNT}/artifacts/{blob}"
        signed = [permissions, "", until, place, "", "", "", VERSION, "b", "", "", "", disposition, "", "", kind]
        signature = hmac.new(base64.b64decode(KEY), "\n".join(signed).encode(), hashlib.sha256).digest()
        query = {"sp": permissions, "se": until, "sv": VERSION, "sr": "b", "rscd": disposition, "rsct": kind,
                 "sig": base64.b64encode(signature).decode()}  # fmt: skip
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}/artifacts/{blob}?{text}"

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Twirp(BaseHTTPRequestHandler):
    """The two calls of an upload; the finished artifact is entered into the stand-in."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        uploads, said = self.server.uploads, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = self.path.rsplit("/", 1)[-1]
        run, name = int(said["workflow_run_backend_id"].rsplit("-", 1)[-1]), said["name"]
        blob = f"{run}-{name}"
        if method == "CreateArtifact":
            uploads.kinds[blob] = said.get("mime_type") or "application/zip"
            answer = {"ok": True, "signed_upload_url": uploads.azure.link(blob, "cw")}
        else:
            answer = {"ok": True, "artifact_id": str(uploads.finalize(run, name, blob, said))}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Uploads:
    """Runs GitHub's client for a workflow run of the stand-in."""

    def __init__(self, node, folder, github):
        folder.mkdir()
        self.node, self.github, self.kinds = node, github, {}
        self.azure = Azure(node, folder)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Twirp)
        self.server.uploads = self
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.azure.close()

    def upload(self, run, **artifacts):
        """Upload folders (as zips) and single files (as they are) as artifacts of a workflow run."""
        backend = f"00000000-0000-0000-0000-{run:012d}"
        claims = {"scp": f"Actions.Results:{backend}:{backend}", "exp": int(time.time()) + 3600}
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                         for part in ({"alg": "none"}, claims, {}))  # fmt: skip
        named = [f"{name}={path}" if Path(path).is_dir() else f"{name}:raw={path}" for name, path in artifacts.items()]
        environment = {
            **os.environ, "FIXSMITH_TEST_NODE": str(self.node), "ACTIONS_RUNTIME_TOKEN": token,
            "ACTIONS_RESULTS_URL": f"http://127.0.0.1:{self.server.server_port}/", "GITHUB_WORKSPACE": "/",
        }  # fmt: skip
        command = ["node", str(Path(__file__).with_name("upload.mjs")), self.azure.connection, *named]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def finalize(self, run, name, blob, said):
        state, kind = self.github, self.kinds[blob]
        with state.lock:
            number = next(state._numbers)
            digest = said.get("hash")
            digest = digest["value"] if isinstance(digest, dict) else digest
            disposition = f'attachment; filename="{name}{".zip" if kind == "application/zip" else ""}"'
            state.artifacts[number] = {
                "id": number, "run": run, "name": name, "size": int(said["size"]), "expired": False, "digest": digest,
                "file_name": None, "location": lambda: self.azure.link(blob, "r", kind, disposition),
            }  # fmt: skip
            return number
