"""The worker's wheel installs by itself, names every pin, and is the same bytes each time."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import BytesParser
from pathlib import Path

from packaging.requirements import Requirement

from daemon.cli import main
from pipeline.remote import bundle, wheel
from pipeline.remote.package import CARRIERS

ROOT = Path(__file__).parents[2]


def test_a_wheel_is_installed_by_pip_and_imports_alone(tmp_path: Path) -> None:
    assert main(["worker", "wheel", "--to", str(tmp_path)]) == 0
    (made,) = tmp_path.glob("fixsmith_worker-*.whl")
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*pip, str(made)], check=True, capture_output=True)
    code = "import pipeline.remote.start, pipeline.remote.contract as c; print(c.__file__)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(target)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(target)


def imported(content: bytes) -> Iterator[str]:
    """Yield the modules of ours that a module imports as soon as it is imported itself, as files."""
    for node in ast.parse(content).body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for path in (ROOT / name.replace(".", "/") for name in names if name.startswith(("config", "pipeline"))):
            if path.with_suffix(".py").is_file():
                yield path.with_suffix(".py").relative_to(ROOT).as_posix()


def test_whatever_of_ours_is_imported_there_is_sent_there() -> None:
    for sent in (bundle.modules(), bundle.modules(CARRIERS)):
        missing = {name: sorted(set(imported(content)) - sent.keys()) for name, content in sent.items()}
        assert not {name: modules for name, modules in missing.items() if modules}


def test_what_it_needs_is_pinned(tmp_path: Path) -> None:
    made = wheel.build(tmp_path, "1.2.3")
    with zipfile.ZipFile(made) as archive:
        about = BytesParser().parsebytes(archive.read("fixsmith_worker-1.2.3.dist-info/METADATA"))
    needed = [Requirement(line) for line in about.get_all("Requires-Dist")]
    plain = {str(one) for one in needed if one.marker is None}
    assert plain == {line for line in bundle.requirements().splitlines() if line and not line.startswith("#")}
    assert all([pin.operator for pin in one.specifier] == ["=="] for one in needed)
    assert set(about.get_all("Provides-Extra")) == {"quantize", "ray"}
    assert wheel.build(tmp_path / "again", "1.2.3").read_bytes() == made.read_bytes()
