"""One run written in SARIF and in the scanner's own JSON is one list of findings."""

from pathlib import Path

import pytest

from tests.findings.running import parse
from tests.scanners.corpus import HERE

PAIRS = sorted(
    path.with_suffix("")
    for path in HERE.glob("*/*.sarif")
    if path.stem in ("one", "many") and path.with_suffix(".json").exists()
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.parent.name}-{pair.name}")
def test_sarif_and_native_json_of_one_run_are_one_finding_each(pair: Path, tmp_path: Path) -> None:
    native, sarif = (pair.with_suffix(suffix).read_bytes() for suffix in (".json", ".sarif"))
    for name, content in (("native/a.json", native), ("both/a.json", native), ("both/b.sarif", sarif)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    alone = parse(tmp_path / "out", tmp_path / "native").findings()
    both = parse(tmp_path / "out", tmp_path / "both", run="both").findings()
    assert len(both) == len(alone) > 0
    assert all(len({origin.artifact for origin in one.origins}) == 2 for one in both)
