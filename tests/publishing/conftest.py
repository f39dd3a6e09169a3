"""A stub Hub, a release to publish, and the targets."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.secret import Secret
from config.settings import Publish
from config.tokens import HUB_VARIABLES
from pipeline.publishing.hub.target import HubTarget
from pipeline.publishing.interface import Part, Release
from tests.publishing.hub_stub import TOKEN, HubStub

CARD = "---\nlicense: apache-2.0\n---\n\n# A model\n"


@pytest.fixture
def hub() -> Iterator[HubStub]:
    """Return a running stub, closed afterwards."""
    stub = HubStub()
    yield stub
    stub.close()


@pytest.fixture
def target(hub: HubStub) -> HubTarget:
    """Return the Hub target, pointed at the stub, with short waits."""
    return HubTarget(quick(hub), Secret(TOKEN))


@pytest.fixture
def keychain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return what puts a token into a keychain that a file stands in for, read by the keychain's own process.

    No token is in the environment.
    """
    for name in HUB_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "keyring"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "import json, pathlib\n"
        "kept = json.loads((pathlib.Path(__file__).parent / 'kept.json').read_text())\n"
        "def get_password(service, account):\n"
        "    return kept.get(f'{service} {account}')\n"
    )
    (folder / "errors.py").write_text("class KeyringError(Exception): pass\nclass NoKeyringError(KeyringError): pass\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    def put(account: str, token: str) -> None:
        (folder / "kept.json").write_text(json.dumps({f"fixsmith {account}": token}))

    return put


def quick(hub: HubStub, **changes: object) -> Publish:
    """Return settings that point at the stub."""
    values = {"endpoint": hub.url, "retry_seconds": 0.05, "request_seconds": 5.0, "total_seconds": 60.0, **changes}
    return Publish(**values)  # type: ignore[arg-type]


def release(folder: Path, run: str = "abc123", began: str = "2026-01-02T00:00:00Z", weights: bytes = b"w" * 5000,
            names: tuple[str, ...] = ("ada/x-analysis",)) -> Release:  # fmt: skip
    """Return a release whose parts hold a card, a small file in a folder and a large one."""
    parts = []
    for name in names:
        place = folder / run / name.replace("/", "-")
        (place / "inner").mkdir(parents=True, exist_ok=True)
        (place / "README.md").write_text(CARD)
        (place / "inner" / "a.json").write_text(json.dumps({"run": run}))
        (place / "adapters.safetensors").write_bytes(weights)
        parts.append(Part(repository=name, kind="dataset" if name.endswith("data") else "model", folder=str(place)))
    return Release(run=run, began=began, parts=tuple(parts))


def bytes_of(folder: str) -> dict[str, bytes]:
    """Return the files of a folder."""
    root = Path(folder)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
