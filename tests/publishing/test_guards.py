"""Nothing leaves that must not: secrets in any file of any form, canaries, code without a licence."""

import json
from pathlib import Path

import pytest

from config.secret import Secret
from config.settings import FineTuning, Publish, Settings
from pipeline.publishing import guards, upload
from pipeline.publishing.data import lay_out, without_code
from pipeline.publishing.hub.target import HubTarget
from pipeline.publishing.interface import Withheld
from pipeline.records import Example, Message
from pipeline.stage import read_records, write_records
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


def test_a_secret_across_two_windows_is_found(tmp_path):
    secret = PLANTED["github personal"].encode()
    (tmp_path / "a.txt").write_bytes(b"x " * ((guards.WINDOW - 10) // 2) + secret + b" y" * 100)
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


def send(folder: Path, settings: Settings, **options):
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
    assert without_code(left) == left
