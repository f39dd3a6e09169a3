"""Every sample is read as its golden file says, and every scanner has what it needs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.scanners.registry import KNOWN, SCANNERS
from tests.scanners.corpus import EXPECTED, HERE, describe, samples

DOCS = HERE.parent.parent / "docs" / "scanners.md"


_IN_JSON_ONLY = re.compile(r" \| edits .*| \| aliases \('AVD-[^)]*\)")
"""What only one of a tool's two formats says: proposed edits, Trivy's older ids."""


def folder_of(name: str) -> Path:
    return HERE / name


@pytest.mark.parametrize("path", samples(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sample_is_read_as_expected(path: Path) -> None:
    expected = json.loads((path.parent / EXPECTED).read_text())
    assert describe(path) == expected[path.name]


def test_golden_files_name_no_sample_that_is_gone() -> None:
    for folder in {path.parent for path in samples()}:
        assert set(json.loads((folder / EXPECTED).read_text())) == {p.name for p in samples() if p.parent == folder}


@pytest.mark.parametrize("name", [reader.name for reader in SCANNERS])
def test_every_scanner_has_a_corpus_and_a_line_in_the_docs(name: str) -> None:
    stems = {path.name.split(".")[0] for path in folder_of(name).iterdir()}
    wanted = {"none"} if name == "empty" else {"none", "one", "many"}
    assert wanted <= stems
    assert f"| `{name}` |" in DOCS.read_text()
    assert f"\n| {name} |" in (HERE / "PROVENANCE.md").read_text()


def test_every_scanner_file_is_registered() -> None:
    folder = Path(__file__).resolve().parents[2] / "pipeline" / "scanners"
    files = {path.stem for path in folder.glob("*.py") if "\nREADER = " in path.read_text()}
    assert len(files) == len(KNOWN)
    assert len({reader.name for reader in SCANNERS}) == len(SCANNERS)


def test_every_scanner_reads_its_own_samples() -> None:
    for name in (reader.name for reader in SCANNERS):
        expected = json.loads((folder_of(name) / EXPECTED).read_text())
        assert name in {sample.get("reader") for sample in expected.values()}


@pytest.mark.parametrize("name", ["checkov", "gitleaks", "hadolint", "semgrep", "trivy", "zizmor"])
@pytest.mark.parametrize("sample", ["one", "many"])
def test_sarif_and_native_give_the_same_findings(name: str, sample: str) -> None:
    expected = json.loads((folder_of(name) / EXPECTED).read_text())
    native, sarif = (expected[f"{sample}.{suffix}"]["findings"] for suffix in ("json", "sarif"))
    shared = [sorted(_IN_JSON_ONLY.sub("", line) for line in lines) for lines in (native, sarif)]
    assert shared[0] == shared[1]


def test_corpus_is_small_and_names_no_folder_of_the_machine_it_was_made_on() -> None:
    texts = [path.read_text() for path in samples()]
    assert sum(len(text) for text in texts) < 1_500_000
    assert not [text for text in texts if "/tmp/scan" in text or "/root/" in text]
