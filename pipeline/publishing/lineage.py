"""Where a release comes from: `exp_config.json`, and the bill of materials in CycloneDX."""

from __future__ import annotations

import functools
import platform
import subprocess
import uuid
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.code import code_digest
from pipeline.publishing.interface import SIGNATURE
from pipeline.stage import MANIFEST, Context, Manifest, digest_folder

LINEAGE, BOM = "exp_config.json", "bom.cdx.json"
APART = (LINEAGE, BOM, SIGNATURE)
LIBRARIES = ("fixsmith", "mlx", "mlx-lm", "transformers", "msgspec", "numpy", "huggingface-hub", "safetensors")
NAMESPACE = uuid.UUID("6f1d0a52-6f0e-4f57-9d0e-3a0f9a3a5c11")
PLACES = ("workspace_dir", "folder", "fixes", "champion", "programs", "semgrep_rules", "test_command")


def lineage(context: Context, release: Path, parts: tuple[str, ...]) -> dict[str, Any]:
    """Return what reproduces a run's release: settings, seeds, versions, the digests of all stages and files."""
    run = context.inputs["assemble"].parent
    stages = {
        name: {"inputs": of.inputs, "outputs": {file: one.sha256 for file, one in of.outputs.items()}}
        for name, of in sorted(_history(run, context.inputs).items())
    }
    return {"request": context.request.identity(), **record(context.settings, run.name, release, parts, stages)}


def record(
    settings: Settings, run: str, release: Path, parts: tuple[str, ...], stages: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what reproduces a release that these stages made; `files` are those of its folder."""
    return {
        "run": run,
        "parts": parts,
        "settings": without_places(msgspec.to_builtins(settings.of_a_run())),
        "seeds": {"training": settings.fine_tuning.seed, "split": settings.dataset.seed},
        "code": code_digest(),
        "git_commit": _git_commit(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "stages": stages,
        "files": digest_folder(release),
    }


def _history(run: Path, needed: Mapping[str, Path]) -> dict[str, Manifest]:
    """Return the manifests of the stages a release stands on, back to the first."""
    found: dict[str, Manifest] = {}
    waiting = list(needed)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = msgspec.json.decode((run / name / MANIFEST).read_bytes(), type=Manifest)
            waiting += found[name].inputs
    return found


def without_places(value: Any, key: str = "") -> Any:
    """Return settings without paths of this machine: of those, the last part alone."""
    if isinstance(value, dict):
        return {name: without_places(item, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(item, key) for item in value]
    if isinstance(value, str) and ("/" in value or "\\" in value) and (key in PLACES or value[0] in "/~."):
        return value.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return value


def bill(record: Mapping[str, Any], story: str) -> dict[str, Any]:
    """Return the release as a CycloneDX 1.6 bill: models, data, base model and libraries, with their digests.

    `story` is the SHA-256 of the lineage's file, so that neither can be changed alone.
    """
    run, settings = record["run"], record["settings"]["fine_tuning"]
    base = settings["base_model_name"]
    libraries = {name: version for name, version in sorted(record["libraries"].items()) if version}
    models = [part for part in record["parts"] if part != "dataset"]
    components = [_component(record, part, base) for part in models]
    components.append({"type": "data", "bom-ref": "dataset", "name": "dataset", "version": run,
                       "hashes": _hashes(record, "dataset", "dataset_info.json")})  # fmt: skip
    components.append({"type": "machine-learning-model", "bom-ref": "base", "name": base})
    components.append({"type": "file", "bom-ref": LINEAGE, "name": LINEAGE,
                       "hashes": [{"alg": "SHA-256", "content": story}]})  # fmt: skip
    components += [
        {"type": "library", "bom-ref": f"pkg:pypi/{name}@{version}", "name": name, "version": version,
         "purl": f"pkg:pypi/{name}@{version}"}
        for name, version in libraries.items()
    ]  # fmt: skip
    made_from = ["base", "dataset", *(f"pkg:pypi/{name}@{version}" for name, version in libraries.items())]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, run)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "release", "name": "fixsmith", "version": run}},
        "components": components,
        "dependencies": [{"ref": part, "dependsOn": made_from} for part in models],
    }


def _component(record: Mapping[str, Any], part: str, base: str) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": part,
        "name": part,
        "version": record["run"],
        "hashes": _hashes(record, part, "adapters.safetensors"),
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"}, "task": "text-generation", "architectureFamily": "LoRA adapter",
                "modelArchitecture": base, "datasets": [{"ref": "dataset"}],
            },
            "considerations": {"technicalLimitations": ["Answers are proposals; a scanner has to confirm a fix."]},
        },
    }  # fmt: skip


def _hashes(record: Mapping[str, Any], part: str, name: str) -> list[dict[str, str]]:
    digest = msgspec.to_builtins(record["files"]).get(f"{part}/{name}")
    return [{"alg": "SHA-256", "content": digest["sha256"]}] if digest else []


def encode(value: Any) -> bytes:
    """Return a value as indented JSON with sorted keys."""
    return msgspec.json.format(msgspec.json.encode(value, order="sorted")) + b"\n"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def _git_commit() -> str | None:
    """Return fixsmith's own commit, None where it was installed without a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
