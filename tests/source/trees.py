"""Small trees and repositories for the tests of the source room."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from config.settings import Source
from pipeline.records import Domain, Excerpt, FileLocation, Finding, Location, Rule, Scanner, Severity
from pipeline.source.document import Document
from pipeline.source.excerpt import sketch
from pipeline.source.place import Place

WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "protocol.file.allow=always")


def run_git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()


def write_files(folder: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def repository(folder: Path, *commits: dict[str, str | bytes]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    run_git(folder, "init", "-q", "-b", "main")
    run_git(folder, "config", "uploadpack.allowFilter", "true")
    run_git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    ids = []
    for files in commits:
        write_files(folder, files)
        run_git(folder, "add", "-A")
        run_git(folder, "commit", "-q", "--allow-empty", "-m", "state")
        ids.append(run_git(folder, "rev-parse", "HEAD"))
    return ids


def finding_at(
    path: str,
    start: int | None,
    end: int | None = None,
    *,
    domain: Domain = Domain.SAST,
    location: Location | None = None,
    **more: object,
) -> Finding:
    return Finding(
        fingerprint=f"{path}:{start}",
        scanner=Scanner(name="test"),
        rule=Rule(id="rule"),
        severity=Severity.HIGH,
        domain=domain,
        location=location or FileLocation(path=path, start_line=start, end_line=end),
        message="message",
        **more,  # type: ignore[arg-type]
    )


def cut(finding: Finding, place: Place, document: Document, settings: Source) -> Excerpt | str:
    """Return the excerpt of a place as it is written where nothing in it is secret, or the reason for none."""
    drawn = sketch(finding, place, document, settings)
    if isinstance(drawn, str):
        return drawn
    return drawn.finished(drawn.excerpt.text, drawn.excerpt.header, lambda text: text)
