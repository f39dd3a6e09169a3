"""How large files reach the stub: whole or in pieces through LFS, or through Xet into a folder of this disk."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

SIGNED = ("/lfs-store/", "/lfs-piece/", "/lfs-complete/")
"""Addresses that the stub handed out: who has one needs no token."""


def batch(hub: Any, match: Any, body: bytes) -> Any:
    asked = json.loads(body)
    objects = []
    for one in asked["objects"]:
        entry = {"oid": one["oid"], "size": one["size"]}
        if one["oid"] not in hub.large:
            entry["actions"] = {"upload": _upload(hub, one), "verify": {"href": f"{hub.url}/lfs-verify"}}
        objects.append(entry)
    transfer = "multipart" if hub.piece_bytes else "basic"
    return 200, {"transfer": transfer, "objects": objects}, {"Content-Type": "application/vnd.git-lfs+json"}


def _upload(hub: Any, one: dict[str, Any]) -> dict[str, Any]:
    oid, size = one["oid"], hub.piece_bytes
    if not size or one["size"] <= size:
        return {"href": f"{hub.url}/lfs-store/{oid}?signature=1"}
    count = -(-one["size"] // size)
    pieces = {f"{number:05}": f"{hub.url}/lfs-piece/{oid}/{number}?signature=1" for number in range(1, count + 1)}
    return {"href": f"{hub.url}/lfs-complete/{oid}?signature=1", "header": {"chunk_size": str(size), **pieces}}


def receive(hub: Any, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
    """Take a file whole, a piece of one, or the word that all pieces are there."""
    kind, oid, *rest = path.strip("/").split("/")
    if (method, kind) == ("PUT", "lfs-piece"):
        hub.pieces.setdefault(oid, {})[int(rest[0])] = body
        return 200, {}, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
    if (method, kind) == ("POST", "lfs-complete"):
        there, named = hub.pieces.get(oid, {}), json.loads(body)["parts"]
        tags = [hashlib.md5(there[number]).hexdigest() for number in sorted(there)]
        if [one["etag"].strip('"') for one in named] != tags:
            return 400, {"error": "other pieces"}, {}
        body = b"".join(there[number] for number in sorted(there))
    if hashlib.sha256(body).hexdigest() != oid:
        return 400, {"error": "other bytes"}, {}
    hub.large[oid] = body
    return 200, {}, {"ETag": "e"}


def has(hub: Any, oid: str) -> bool:
    """Tell whether a large file arrived; one that was expected through Xet did when its bytes lie in the store."""
    for content in hub.xet_files:
        stored = (path.read_bytes() for path in Path(hub.xet_store).rglob("*") if path.is_file())
        if hashlib.sha256(content).hexdigest() == oid and any(content[1000:5000] in one for one in stored):
            hub.large[oid] = content
    return oid in hub.large


def verify(hub: Any, match: Any, body: bytes) -> Any:
    asked = json.loads(body)
    known = hub.large.get(asked["oid"])
    return (200, {}) if known is not None and len(known) == asked["size"] else (404, {"error": "no such object"})


def xet_token(hub: Any, match: Any, body: bytes) -> Any:
    """Return where Xet's own client writes: a folder instead of a server."""
    value = {"accessToken": "xet-token", "exp": int(time.time()) + 3600, "casUrl": f"local://{hub.xet_store}"}
    headers = {"X-Xet-Cas-Url": value["casUrl"], "X-Xet-Access-Token": "xet-token",
               "X-Xet-Token-Expiration": str(value["exp"])}  # fmt: skip
    return 200, value, headers
