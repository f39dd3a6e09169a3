"""Reports in any Unicode encoding become UTF-8; what is no text is refused, and says where."""

import codecs
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.artifacts import archive
from pipeline.artifacts.decode import decode
from pipeline.artifacts.interface import Refusal

TEXT = '{"name": "Größe 😀", "n": 1}'
MARKED = {
    "utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE,
}  # fmt: skip


def decoded(folder: Path, content: bytes) -> str:
    source = folder / "source"
    source.write_bytes(content)
    return decode(source, folder / "target").read_bytes().decode("utf-8")


@pytest.mark.parametrize("encoding", MARKED)
@pytest.mark.parametrize("marked", [True, False])
def test_every_unicode_encoding_is_read_with_and_without_its_mark(tmp_path: Path, encoding: str, marked: bool) -> None:
    content = TEXT.encode(encoding)
    assert decoded(tmp_path, (MARKED[encoding] if marked else b"") + content) == TEXT


def test_plain_utf8_is_not_copied(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text(TEXT)
    assert decode(source, tmp_path / "target") == source
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252"])
def test_an_xml_declaration_no_longer_names_the_old_encoding(tmp_path: Path, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><a>é</a>'
    assert decoded(tmp_path, text.encode(encoding)) == '<?xml version="1.0"?><a>é</a>'


def test_invalid_bytes_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="invalid UTF-8 at byte 9"):
        decoded(tmp_path, b'{"name": \xff"x"}')
    with pytest.raises(Refusal, match="invalid UTF-16-LE at byte 6"):
        decoded(tmp_path, codecs.BOM_UTF16_LE + "ab".encode("utf-16-le") + b"\x00\xd8" + b"a\x00")


def test_the_place_is_right_beyond_the_first_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.artifacts.decode.CHUNK", 7)
    with pytest.raises(Refusal, match=r"at byte 31$"):
        decoded(tmp_path, "é".encode() * 15 + b"a" + b"\xff" + b"rest")
    assert archive.CHUNK > 7


def test_a_cut_character_at_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="at byte 1"):
        decoded(tmp_path, b"a\xe2\x82")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), max_size=40), encoding=st.sampled_from(sorted(MARKED)))
def test_any_text_with_a_mark_comes_back(tmp_path: Path, text: str, encoding: str) -> None:
    text = text.lstrip("\0")  # UTF-16's mark before a zero is UTF-32's mark: no report begins so
    assert decoded(tmp_path, MARKED[encoding] + text.encode(encoding)) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_text_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        decoded(tmp_path, content)
    except Refusal as refusal:
        assert "at byte" in str(refusal)
