"""`models verify` sees any change of a release: of one byte, one file, one link; and never stumbles over it."""

import json
from pathlib import Path

import pytest

from config.errors import InputRefused
from daemon.cli import main
from pipeline.publishing.verify import verify
from tests.publishing.test_release import PARTS, lay_out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("workspace"))


def holds(folder: Path) -> bool:
    """Tell whether nothing is broken; that it isn't a release at all counts as broken too."""
    try:
        return all(check.state != "broken" for check in verify(folder))
    except InputRefused:
        return False


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("place", [".", "analysis", "dataset"])
def test_any_byte_that_changes_is_seen(made: Path, place: str) -> None:
    folder = made / place
    assert holds(folder)
    for path in files(folder):
        content = path.read_bytes()
        at = len(content) // 3
        others = [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]]
        others += [b"", content[:-1], content + b"\n", b"\xff\xfe", b"[]"] if path.parent == folder else []
        for other in others:
            path.write_bytes(other)
            assert not holds(folder), f"{path.relative_to(made)} became {other[:5]!r}"
        path.unlink()
        assert not holds(folder), f"{path.relative_to(made)} is gone"
        path.write_bytes(content)
    assert holds(folder)


@pytest.mark.parametrize("name", ["more.py", "peft/.hidden", "peft/exp_config.json", "peft/.cache/x", "peft/.git/hook"])
def test_a_file_more_is_seen_wherever_it_lies(made: Path, name: str) -> None:
    for part in PARTS:
        path = made / part / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
        assert not holds(made / part) and not holds(made), path
        path.unlink()
    assert holds(made)


def test_links_and_what_lies_at_the_releases_top_are_seen(made: Path, tmp_path: Path) -> None:
    for name, target in (("analysis/link", tmp_path), ("analysis/dead", tmp_path / "none"), ("bom.cdx.json", tmp_path)):
        (made / name).symlink_to(target)
        assert not holds(made), name
        (made / name).unlink()
    assert holds(made)


def test_what_git_and_the_hubs_client_put_beside_a_repository_is_none_of_it(made: Path) -> None:
    for name in (".gitattributes", ".git/config", ".cache/huggingface/a.lock"):
        (made / "codefix" / name).parent.mkdir(parents=True, exist_ok=True)
        (made / "codefix" / name).write_text("x")
    assert holds(made / "codefix") and holds(made)


def test_a_snapshot_of_links_as_the_hubs_client_makes_it_holds(made: Path, tmp_path: Path) -> None:
    for number, path in enumerate(files(made / "analysis")):
        link = tmp_path / "snapshot" / path.relative_to(made / "analysis")
        link.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / str(number)).write_bytes(path.read_bytes())
        link.symlink_to(tmp_path / str(number))
    assert holds(tmp_path / "snapshot")


def test_a_lineage_made_up_by_somebody_else_is_a_sentence(made: Path, tmp_path: Path, capsys) -> None:
    record = json.loads((made / "analysis" / "exp_config.json").read_text())
    for change in (
        {"files": []}, {"files": {"analysis/a": 1}}, {"stages": []}, {"stages": {"a": {"inputs": {"b": 1}}}},
        {"parts": "x"}, {"part": "../../etc"}, {"part": 3}, {"settings": None}, {"libraries": []}, {"run": None},
        {"stages": {"a": {"inputs": {"a": "x"}, "outputs": {}}}},
    ):  # fmt: skip
        (tmp_path / "exp_config.json").write_text(json.dumps(record | change))
        assert main(["models", "verify", str(tmp_path)]) == 3, change
        assert "Traceback" not in capsys.readouterr().err
