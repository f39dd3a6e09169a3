"""What strangers send: refused or contained, each with one clear line, and the others go on."""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Artifacts
from pipeline.artifacts.extract import private_folder, walk
from pipeline.artifacts.interface import Unpacked
from pipeline.artifacts.names import check_name
from pipeline.records import Rejection
from tests.artifacts.hostile import put, raw_zip, streamed_zip, zip_bytes

GOOD = b'{"good": true}'


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def take(root: Path, limits: Artifacts | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return what the walk unpacks, and what it refuses with the reason."""
    found, refused = {}, {}
    with private_folder(root.parent / "work") as scratch:
        for item in walk(root, limits or Artifacts(), scratch):
            if isinstance(item, Rejection):
                assert "\n" not in item.reason
                refused[item.report] = item.reason
            else:
                found[item.place] = item.path.read_bytes()
    assert not (root.parent / "work" / "private").exists()
    return found, refused


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"../../evil.json", "climbs out"),
        (b"a/../../evil.json", "climbs out"),
        (b"..\\..\\evil.json", "climbs out"),
        (b"/etc/evil.json", "absolute"),
        (b"C:\\evil.json", "absolute"),
        (b"ev\x1b[31mil.json", "control characters"),
        (b"x" * 300 + b".json", "longer than"),
        (b"d/" * 600 + b"x.json", "longer than"),
        (b"NUL.json", "reserved"),
        (b"./", "no name"),
        (b"\0hidden.json", "control characters"),
    ],
)
def test_a_name_that_reaches_elsewhere_is_refused_and_its_neighbour_read(inbox: Path, name: bytes, reason: str) -> None:
    put(inbox, "a.zip", raw_zip([(name, b"evil"), (b"good.json", GOOD)]))
    found, refused = take(inbox)
    assert found == {"a.zip!/good.json": GOOD}
    assert [reason in text for text in refused.values()] == [True]
    assert not list(inbox.parent.glob("**/evil*"))


@pytest.mark.parametrize(
    ("mode", "reason"), [(stat.S_IFLNK, "symbolic link"), (stat.S_IFCHR, "regular"), (stat.S_IFIFO, "regular")]
)
def test_an_entry_that_is_no_file_is_refused(inbox: Path, mode: int, reason: str) -> None:
    put(inbox, "a.zip", raw_zip([(b"link", b"/etc/passwd")], mode=mode | 0o777))
    found, refused = take(inbox)
    assert not found and reason in refused["a.zip!/link"]


def test_encrypted_entries_are_refused(inbox: Path) -> None:
    put(inbox, "a.zip", raw_zip([(b"a.json", GOOD)], flags=0x801))
    assert take(inbox) == ({}, {"a.zip!/a.json": "is encrypted"})


def test_an_unknown_method_is_refused(inbox: Path) -> None:
    put(inbox, "a.zip", zip_bytes({"a.json": GOOD}, method=zipfile.ZIP_BZIP2))
    assert "method 12" in take(inbox)[1]["a.zip!/a.json"]


def test_the_second_of_two_equal_names_is_refused(inbox: Path) -> None:
    put(inbox, "a.zip", raw_zip([(b"a.json", GOOD), (b"a.json", b"other")]))
    assert take(inbox) == ({"a.zip!/a.json": GOOD}, {"a.zip!/a.json": "appears twice in the archive"})


@pytest.mark.parametrize(
    "pair", [("Report.json", "report.JSON"), ("caf\u00e9.json", "cafe\u0301.json"), ("\ufb01.json", "fi.json")]
)
def test_names_equal_but_for_case_or_unicode_form_are_refused(inbox: Path, pair: tuple[str, str]) -> None:
    put(inbox, "a.zip", raw_zip([(name.encode(), GOOD) for name in pair]))
    found, refused = take(inbox)
    assert len(found) == 1 and "only in case or Unicode form" in next(iter(refused.values()))


def test_a_wrong_checksum_is_refused(inbox: Path) -> None:
    put(inbox, "a.zip", raw_zip([(b"a.json", GOOD)], crc_off=1))
    assert "CRC" in take(inbox)[1]["a.zip!/a.json"]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_zip_is_refused_and_the_others_read(inbox: Path, keep: float) -> None:
    whole = zip_bytes({f"{number}.json": os.urandom(200) for number in range(20)})
    put(inbox, "cut.zip", whole[: int(len(whole) * keep)])
    put(inbox, "good.zip", zip_bytes({"a.json": GOOD}))
    found, refused = take(inbox)
    assert found == {"good.zip!/a.json": GOOD}
    assert "truncated" in refused["cut.zip"]


def test_a_streamed_zip_is_read(inbox: Path) -> None:
    content = streamed_zip({"deep/a.json": GOOD, "b.json": b""})
    assert content[6] & 0x8
    put(inbox, "a.zip", content)
    assert take(inbox) == ({"a.zip!/deep/a.json": GOOD, "a.zip!/b.json": b""}, {})


def test_a_bomb_by_ratio_is_stopped_while_it_inflates(inbox: Path) -> None:
    put(inbox, "a.zip", zip_bytes({"bomb.json": b" " * 30_000_000, "good.json": GOOD}))
    found, refused = take(inbox)
    assert found == {"a.zip!/good.json": GOOD}
    assert "200 times" in refused["a.zip!/bomb.json"]


def test_a_lie_about_the_size_does_not_help_a_bomb(inbox: Path) -> None:
    honest = raw_zip([(b"bomb.json", b" " * 5_000_000)])
    lying = honest.replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    put(inbox, "a.zip", lying)
    found, refused = take(inbox, Artifacts(max_file_bytes=1000))
    assert not found and refused


def test_an_artifact_past_its_total_gives_one_line_for_the_rest(inbox: Path) -> None:
    put(inbox, "a.zip", zip_bytes({f"{number}.json": os.urandom(1000) for number in range(10)}))
    put(inbox, "z.json", GOOD)
    found, refused = take(inbox, Artifacts(max_total_bytes=3500))
    assert len(found) == 4 and found["z.json"] == GOOD
    assert refused == {"a.zip": "unpacks to more than 3500 bytes"}


def test_too_many_files_give_one_line(inbox: Path) -> None:
    put(inbox, "a.zip", zip_bytes({f"{number}.json": GOOD for number in range(50)}))
    found, refused = take(inbox, Artifacts(max_files=10))
    assert len(found) <= 10 and refused == {"a.zip": "more than 10 files in one artifact"}


def test_a_huge_directory_is_refused_before_it_is_read(inbox: Path) -> None:
    put(inbox, "a.zip", zip_bytes({f"{number:06}.json": b"" for number in range(2000)}))
    found, refused = take(inbox, Artifacts(max_files=10))
    assert not found and refused == {"a.zip": "lists more than 10 files"}


def test_zips_in_zips_are_read_down_to_the_limit(inbox: Path) -> None:
    content = GOOD
    for level in range(4):
        content = zip_bytes({"a.json" if level == 0 else "inner.zip": content}, method=zipfile.ZIP_STORED)
    put(inbox, "a.zip", content)
    assert take(inbox) == ({"a.zip!/inner.zip!/inner.zip!/inner.zip!/a.json": GOOD}, {})
    found, refused = take(inbox, Artifacts(max_nesting=2))
    assert not found and "2 levels deep" in next(iter(refused.values()))


def test_two_zips_inside_one_do_not_disturb_each_other(inbox: Path) -> None:
    inner = [zip_bytes({"a.json": letter * 10, "b.json": letter * 20}) for letter in (b"x", b"y")]
    put(inbox, "a.zip", zip_bytes({"1.zip": inner[0], "2.zip": inner[1], "c.json": GOOD}))
    found, _ = take(inbox)
    assert sorted(found.values()) == sorted([b"x" * 10, b"x" * 20, b"y" * 10, b"y" * 20, GOOD])


def test_gzip_is_unpacked_and_a_broken_one_refused(inbox: Path) -> None:
    put(inbox, "a.json.gz", gzip.compress(GOOD))
    put(inbox, "b.json.gz", gzip.compress(os.urandom(5000))[:2000])
    found, refused = take(inbox)
    assert found == {"a.json.gz": GOOD} and "can't be unpacked" in refused["b.json.gz"]


def test_a_gzip_bomb_is_refused(inbox: Path) -> None:
    put(inbox, "a.gz", gzip.compress(b"0" * 20_000_000))
    assert "200 times" in take(inbox)[1]["a.gz"]


def test_programs_that_are_zips_stay_closed(inbox: Path) -> None:
    put(inbox, "a.jar", zip_bytes({"x.json": GOOD}))
    assert list(take(inbox)[0]) == ["a.jar"]


def tarred(content: bytes) -> bytes:
    stream, entry = io.BytesIO(), tarfile.TarInfo("report.json")
    entry.size = len(content)
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "packing"),
    [
        ("r.tar", tarred(GOOD), "tar"),
        ("r.tgz", gzip.compress(tarred(GOOD)), "tar"),
        ("r.json.bz2", bz2.compress(GOOD), "bzip2"),
        ("r.json.xz", lzma.compress(GOOD), "xz"),
        ("r.json.zst", b"\x28\xb5\x2f\xfd\x04\x58", "zstd"),
        ("r.7z", b"7z\xbc\xaf\x27\x1c\x00\x04", "7z"),
        ("r.rar", b"Rar!\x1a\x07\x01\x00", "rar"),
    ],
)
def test_what_is_packed_in_a_way_we_do_not_open_is_said(inbox: Path, name: str, content: bytes, packing: str) -> None:
    put(inbox, name, content)
    put(inbox, "a.zip", zip_bytes({"in.bin": content}))
    reason = f"is packed as {packing}, which isn't opened: only zip and gzip are"
    assert take(inbox) == ({}, dict.fromkeys((name, "a.zip!/in.bin"), reason))


@pytest.mark.parametrize("content", [zip_bytes({}), zip_bytes({"folder/": b""})])
def test_a_zip_of_nothing_is_said(inbox: Path, content: bytes) -> None:
    put(inbox, "a.zip", content)
    assert take(inbox) == ({}, {"a.zip": "holds no files"})


def test_a_second_end_that_hides_the_files_is_said(inbox: Path) -> None:
    hidden = b"PK\x05\x06" + bytes(18)
    put(inbox, "a.zip", zip_bytes({"r.json": GOOD})[:-2] + len(hidden).to_bytes(2, "little") + hidden)
    assert take(inbox) == ({}, {"a.zip": "holds no files"})


def test_links_and_pipes_in_the_folder_are_refused(inbox: Path) -> None:
    (inbox.parent / "secret.json").write_bytes(b"outside")
    put(inbox, "run/a.json", GOOD)
    (inbox / "run" / "out.json").symlink_to(inbox.parent / "secret.json")
    (inbox / "run" / "in.json").symlink_to(inbox / "run" / "a.json")
    (inbox / "run" / "folder").symlink_to(inbox.parent)
    (inbox / "direct.json").symlink_to(inbox.parent / "secret.json")
    os.mkfifo(inbox / "run" / "pipe")
    found, refused = take(inbox)
    assert found == {"run/a.json": GOOD}
    assert refused == {
        "run/out.json": "is a link that leaves the folder",
        "run/in.json": "is a link inside the folder",
        "run/folder": "is a link that leaves the folder",
        "direct.json": "is a link that leaves the folder",
        "run/pipe": "isn't a regular file",
    }


def test_what_was_unpacked_is_private_and_gone_afterwards(inbox: Path) -> None:
    put(inbox, "a.zip", zip_bytes({"a.json": GOOD}))
    with private_folder(inbox.parent / "work") as scratch:
        items = walk(inbox, Artifacts(), scratch)
        item = next(i for i in items if isinstance(i, Unpacked))
        assert stat.S_IMODE(item.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
        assert not list(items)
        assert not list(scratch.iterdir())
    assert not scratch.exists()


def test_a_folder_left_by_a_kill_is_wiped(tmp_path: Path) -> None:
    put(tmp_path, "private/left.json", b"secret")
    with private_folder(tmp_path) as scratch:
        assert not list(scratch.iterdir())


@given(st.binary(max_size=400), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_any_damage_to_a_zip_ends_in_a_line_or_a_file(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, where: int
) -> None:
    whole = bytearray(streamed_zip({"a.json": GOOD * 9, "b.json": b"x" * 50}))
    start = min(len(whole) // 4 * where, len(whole))
    whole[start : start + len(noise)] = noise
    inbox = tmp_path_factory.mktemp("damage") / "inbox"
    put(inbox, "a.zip", bytes(whole))
    found, refused = take(inbox)
    assert found or refused


@given(st.text(max_size=60))
def test_a_name_that_passes_stays_inside(name: str) -> None:
    try:
        path = check_name(name)
    except Exception as error:
        assert type(error).__name__ == "Refusal"
        return
    assert not path.startswith("/") and ".." not in path.split("/") and check_name(path) == path
