"""From a model's name to a folder MLX can read: `embedded`, a folder, or a Hugging Face Hub id."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import msgspec

from config.errors import Error, InputRefused, Postponed
from pipeline.models.cache import cache_folder

EMBEDDED = "embedded"
OFFER = "Check the network and the name, or use the small model that needs neither: `--model-name embedded`."
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_PATTERNS = ("*.json", "model*.safetensors", "tokenizer.model", "*.tiktoken", "*.txt", "*.jinja")
_SECONDS = 30.0
_BLOCK = 1 << 22


class BaseModel(msgspec.Struct, frozen=True):
    """A base model on this machine. `digest` is the SHA-256 over its files' names and contents."""

    name: str
    path: Path
    digest: str


def resolve(name: str) -> BaseModel:
    """Return the model called `name`, downloaded or built on first use.

    Raises `InputRefused` for a folder that holds no model, and `Error` when the weights can't be
    had; its hint offers the embedded model.
    """
    path = _folder(name)
    if not (path / "config.json").is_file() or not any(path.glob("model*.safetensors")):
        raise InputRefused(f"{path} holds no model: config.json and model*.safetensors are needed.", OFFER)
    return BaseModel(name=name, path=path, digest=digest(path))


def _folder(name: str) -> Path:
    if name == EMBEDDED:
        from pipeline.models.embedded import folder

        return folder()
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve()
    if name.startswith((".", "/", "~")) or not _HUB_ID.fullmatch(name):
        raise InputRefused(f"There is no model folder {name}.", OFFER)
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(int(_SECONDS)))
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "10")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    options = {"allow_patterns": list(_PATTERNS), "etag_timeout": 10.0}
    try:
        return Path(snapshot_download(name, local_files_only=True, **options))
    except Exception:  # noqa: S110 - not in the cache: fetch it
        pass
    try:
        return Path(snapshot_download(name, **options))
    except LocalEntryNotFoundError as error:  # the Hub can't be reached: that passes
        raise Postponed(f"The model {name} could not be fetched ({type(error).__name__}).", OFFER) from error
    except Exception as error:
        raise Error(f"The model {name} could not be fetched ({type(error).__name__}).", OFFER) from error


def digest(folder: Path) -> str:
    """Return the SHA-256 of a model folder: each file's name and content, in name order."""
    total = hashlib.sha256()
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        if not path.name.startswith("."):
            total.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """Return a file's SHA-256, remembered in the cache by path, size, time of change and inode."""
    status = path.resolve().stat()
    key = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}"
    note = cache_folder() / "digests" / hashlib.sha256(key.encode()).hexdigest()
    try:
        return str(json.loads(note.read_bytes())["sha256"])
    except (OSError, ValueError, KeyError):
        value = _hash(path)
        if status.st_size > _BLOCK:
            _remember(note, value)
        return value


def _hash(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def _remember(note: Path, value: str) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    temporary = note.with_name(f".{note.name}.{os.getpid()}")
    temporary.write_text(json.dumps({"sha256": value}))
    temporary.replace(note)
