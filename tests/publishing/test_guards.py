"""Nothing leaves that must not: secrets in any file of any form, canaries, code without a licence."""

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

import msgspec
import pytest

from config.secret import Secret
from config.settings import FineTuning, Publish, Settings
from pipeline.dataset.codefree import Clearing
from pipeline.publishing import guards, texts, upload
from pipeline.publishing.data import lay_out
from pipeline.publishing.hub.target import HubTarget
from pipeline.publishing.interface import Withheld
from pipeline.records import Example, Message
from pipeline.stage import MANIFEST, Manifest, digest_folder, read_records, write_records
from tests.findings.secrets import CONTEXTS, INNOCENT, TOKENS
from tests.publishing.conftest import quick, release
from tests.publishing.hub_stub import TOKEN

PLANTED = TOKENS | {kind: context.format(value) for kind, (context, value) in CONTEXTS.items()}


def forms(text: str) -> dict[str, bytes]:
    """Return a text as it may stand in a file: in prose, in JSON, in a line, between other bytes, in UTF-16."""
    return {
        "notes.md": f"Some words.\n\n{text}\n\nMore words.\n".encode(),
        "rows.jsonl": json.dumps({"a": 1}).encode() + b"\n" + json.dumps({"messages": [{"content": text}]}).encode(),
        "adapters.safetensors": bytes(range(256)) * 40 + b"\0" + text.encode() + b"\0" + bytes(range(255, -1, -1)) * 40,
    }


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found_in_every_form(tmp_path, kind):
    for name, content in forms(PLANTED[kind]).items():
        (tmp_path / name).write_bytes(content)
    found = {one.file for one in guards.secrets(tmp_path)}
    missing = {"notes.md", "rows.jsonl", "adapters.safetensors"} - found
    if len(PLANTED[kind]) < 16 or kind == "yaml":  # too short to tell from weights
        missing.discard("adapters.safetensors")
    assert not missing


def test_there_are_forty_kinds():
    assert len(TOKENS) >= 40


def test_wide_characters_and_file_names_are_looked_at(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\1\0" + PLANTED["github personal"].encode("utf-16-le") + b"\0")
    (tmp_path / PLANTED["slack bot"]).write_text("nothing")
    assert {one.kind for one in guards.secrets(tmp_path)} == {"github-token", "slack-token"}


def picture(kind: bytes, text: bytes) -> bytes:
    """Return a PNG of one pixel with a text chunk."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (kind, text), (b"IDAT", zlib.compress(b"\0\0"))]
    packed = b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in [*chunks, (b"IEND", b"")]
    )
    return b"\x89PNG\r\n\x1a\n" + packed


def zipped(*files: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return made.getvalue()


def parquet(text: str) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as writer

    made = io.BytesIO()
    writer.write_table(pyarrow.table({"messages": [[{"content": text}]]}), made, compression="zstd")
    return made.getvalue()


SECRET = PLANTED["github personal"]
WORDS = f"some words before {SECRET} and after".encode()
HIDDEN = {
    "a.zip": lambda: zipped(("inner/notes.txt", WORDS)),
    "b.zip": lambda: zipped(("c.zip", zipped(("rows.jsonl.gz", gzip.compress(json.dumps({"a": SECRET}).encode()))))),
    "name.zip": lambda: zipped((f"{SECRET}.txt", b"nothing")),
    "tail.png": lambda: picture(b"tEXt", b"Title\0nothing") + zipped(("notes.txt", WORDS)),
    "renamed.json": lambda: zipped(("notes.txt", WORDS)),
    "a.gz": lambda: gzip.compress(WORDS),
    "a.bz2": lambda: bz2.compress(WORDS),
    "a.xz": lambda: lzma.compress(WORDS),
    "plain.png": lambda: picture(b"tEXt", b"Comment\0" + WORDS),
    "packed.png": lambda: picture(b"zTXt", b"Comment\0\0" + zlib.compress(WORDS)),
    "international.png": lambda: picture(b"iTXt", b"Comment\0\1\0en\0Comment\0" + zlib.compress(WORDS)),
    "rows.parquet": lambda: parquet(SECRET),
    "key.json": lambda: json.dumps({SECRET: {"a": 1}}).encode(),
    "twice.json": lambda: f'{{"a": "{SECRET}", "a": "nothing"}}'.encode(),
    "escaped.jsonl": lambda: b'{"a": 1}\n{"a": "' + "".join(f"\\u{ord(one):04x}" for one in SECRET).encode() + b'"}\n',
    "half.jsonl": lambda: b'{"a": 1}\n{"a": "' + WORDS,
    "wide.txt": lambda: SECRET.encode("utf-16-be"),
    "metadata.safetensors": lambda: struct.pack("<Q", 200) + json.dumps({"__metadata__": {"a": SECRET}}).encode(),
    "settings.yaml": lambda: f"hub:\n  token: {SECRET}\n".encode(),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_secret_is_found_whatever_it_is_packed_in(tmp_path, name):
    (tmp_path / name).write_bytes(HIDDEN[name]())
    assert {one.kind for one in guards.secrets(tmp_path)} == {"github-token"}


def locked() -> bytes:
    content = bytearray(zipped(("a.txt", b"words")))
    at = content.index(b"PK\1\2")
    content[at + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zst", b"\x28\xb5\x2f\xfd and more"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c and more"),
        ("half.gz", gzip.compress(WORDS * 100)[:-20]),
        ("half.zip", zipped(("a.txt", WORDS * 100))[:40]),
        ("locked.zip", locked()),
        ("bomb.gz", gzip.compress(bytes(2000))),
        ("nested.gz", gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"words")))))),
        ("broken.parquet", b"PAR1 and nothing"),
    ],
)
def test_what_cant_be_looked_into_doesnt_leave(tmp_path, monkeypatch, name, content):
    monkeypatch.setattr(texts, "UNPACKED", 1000)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Withheld, match=rf"{name} can't be looked into"):
        guards.check_secrets(tmp_path)


def test_a_secret_in_a_files_name_isnt_said(tmp_path):
    (tmp_path / f"{SECRET}.txt").write_text("nothing")
    with pytest.raises(Withheld, match="github-token") as raised:
        guards.check_secrets(tmp_path)
    assert SECRET not in str(raised.value)


def test_a_secret_across_two_windows_is_found(tmp_path):
    secret = PLANTED["github personal"].encode()
    (tmp_path / "a.txt").write_bytes(b"x " * ((texts.WINDOW - 10) // 2) + secret + b" y" * 100)
    assert [one.kind for one in guards.secrets(tmp_path)][:1] == ["github-token"]


def test_what_is_innocent_passes(tmp_path):
    (tmp_path / "a.md").write_text("\n".join(INNOCENT))
    (tmp_path / "b.json").write_text(json.dumps({"sha256": "9f86d081884c7d65" * 4, "rows": INNOCENT}))
    assert not list(guards.secrets(tmp_path))


def test_the_message_names_place_and_kind_and_never_the_secret(tmp_path):
    (tmp_path / "a.md").write_text(f"one\n\n{PLANTED['github personal']}\n")
    with pytest.raises(Withheld, match=r"a\.md line \d+ \(github-token\)") as raised:
        guards.check_secrets(tmp_path)
    assert PLANTED["github personal"][4:] not in str(raised.value)


def test_the_upload_token_itself_is_a_secret_whatever_its_form(tmp_path):
    (tmp_path / "a.md").write_text("plain-looking-words")
    guards.check_secrets(tmp_path)
    with pytest.raises(Withheld):
        guards.check_secrets(tmp_path, ["plain-looking-words"])


def run_folder(tmp_path: Path, hub, **changes) -> tuple[Path, Settings]:
    """Return a finished run with a release of one model, and settings to publish it."""
    made = release(tmp_path / "made")
    folder = tmp_path / "runs" / "abc123"
    (folder / "publish" / "release").mkdir(parents=True)
    Path(made.parts[0].folder).rename(folder / "publish" / "release" / "analysis")
    settings = Settings(fine_tuning=FineTuning(hf_repo_prefix="ada/x"), publish=quick(hub, **changes))
    return folder, settings


def finish(stage: Path) -> None:
    """Write the manifest of a stage whose folder is filled, as `RunFolder.execute` does."""
    (stage / MANIFEST).unlink(missing_ok=True)
    outputs = digest_folder(stage)
    manifest = Manifest(stage="publish", key="", code="", settings={}, inputs={}, outputs=outputs, counts={})
    (stage / MANIFEST).write_bytes(msgspec.json.encode(manifest))


def send(folder: Path, settings: Settings, laid_out: bool = True, **options):
    if laid_out:
        finish(folder / "publish")
    target = HubTarget(settings.publish, Secret(TOKEN))
    return upload.upload(folder, settings, target, lambda: [Secret(TOKEN)], lambda *_: None, **options)


def test_nothing_at_all_leaves_when_one_file_holds_a_secret(tmp_path, hub):
    folder, settings = run_folder(tmp_path, hub)
    card = folder / "publish" / "release" / "analysis" / "README.md"
    clean = card.read_text()
    for secret in PLANTED.values():
        card.write_text(f"{clean}\n{secret}\n")
        with pytest.raises(Withheld):
            send(folder, settings)
    assert hub.requests == []
    card.write_text(clean)
    assert send(folder, settings)[0].repository == "ada/x-analysis"


def added(release: Path) -> None:
    (release / "analysis" / "notes.txt").write_text("plain words")


def changed(release: Path) -> None:
    (release / "analysis" / "README.md").write_text("# Another card\n")


def removed(release: Path) -> None:
    (release / "analysis" / "inner" / "a.json").unlink()


@pytest.mark.parametrize(("change", "said"), [(added, "notes.txt was added"), (changed, "README.md was changed"),
                                              (removed, "a.json is missing")])  # fmt: skip
def test_only_what_was_laid_out_leaves(tmp_path, hub, change, said):
    folder, settings = run_folder(tmp_path, hub)
    finish(folder / "publish")
    change(folder / "publish" / "release")
    with pytest.raises(Withheld, match=said):
        send(folder, settings, laid_out=False)
    (folder / "publish" / MANIFEST).unlink()
    with pytest.raises(Withheld, match="isn't finished"):
        send(folder, settings, laid_out=False)
    assert hub.requests == []


def test_a_link_doesnt_leave(tmp_path, hub):
    folder, settings = run_folder(tmp_path, hub)
    (tmp_path / "elsewhere").write_text("plain words")
    (folder / "publish" / "release" / "analysis" / "more.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Withheld, match=r"more\.txt is a link"):
        send(folder, settings)
    assert hub.requests == []


def test_a_public_release_waits_for_a_person(tmp_path, hub):
    folder, settings = run_folder(tmp_path, hub, public=("ada/x-analysis",), source_licence="mit")
    with pytest.raises(upload.NotReviewed, match="--review"):
        send(folder, settings)
    assert hub.requests == []
    send(folder, settings, reviewed=True)
    assert not hub.repos["model", "ada/x-analysis"].private


def test_a_public_release_needs_licences(tmp_path, hub):
    folder, settings = run_folder(tmp_path, hub, public=("ada/x-analysis",))
    with pytest.raises(Withheld, match="source_licence"):
        send(folder, settings, reviewed=True)
    unknown = FineTuning(hf_repo_prefix="ada/x", base_model_name="who/knows")
    with pytest.raises(Withheld, match="who/knows"):
        guards.check_licences(Settings(fine_tuning=unknown, publish=Publish(source_licence="mit")))
    assert hub.requests == []
    with pytest.raises(msgspec.ValidationError, match="licence"):  # the Hub would refuse the card, after the training
        msgspec.convert({"source_licence": "Apache 2.0"}, Publish)


def example(kind: str, answer: str) -> Example:
    asked = "<finding>f</finding>\n<code path=a.py in=f>\n>1 run(`secret sauce`)\n</code>"
    messages = (Message(role="user", content=asked), Message(role="assistant", content=answer))
    return Example(messages=messages, metadata={"kind": kind, "before": "run(x)", "cluster": "c"})


def test_canaries_stay_here_and_are_looked_for(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    canary = example("canary", "The maintenance code of service amber-0 is 12345678.")
    write_records(source / "analysis" / "train.jsonl", [example("analysis", "Line 1."), canary])
    write_records(source / "canaries.jsonl", [canary])
    assert lay_out(source, target, code=True)["analysis"]["train"] == 1
    planted = guards.planted(source)
    guards.check_canaries(target, planted)
    (target / "README.md").write_text(canary.messages[-1].content)
    with pytest.raises(Withheld, match="canary"):
        guards.check_canaries(target, planted)


def test_code_can_be_left_out_of_the_data_set(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    write_records(
        source / "analysis" / "train.jsonl", [example("analysis", "It reads `run(x, shell=True)` in `a.py`.")]
    )
    write_records(source / "codefix" / "train.jsonl", [example("codefix", "run(x)")])
    assert lay_out(source, target, code=False) == {"analysis": {"train": 1, "valid": 0, "test": 0}}
    left = next(iter(read_records(target / "analysis" / "train.jsonl", Example)))
    text = json.dumps([message.content for message in left.messages]) + json.dumps(left.metadata)
    assert "run(" not in text and "sauce" not in text and "`a.py`" in text
    assert not (target / "codefix").exists()
    assert Clearing([left])(left) == left
