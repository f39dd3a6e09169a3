"""A damaged checkpoint is passed over; stage 2 goes on from an adapter; nothing of another training is taken."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.errors import InputRefused
from pipeline.remote.contract import Event, Spec, read_result
from pipeline.remote.worker import checkpoint
from pipeline.remote.worker.errors import NonFinite, Stopped, Superseded
from pipeline.remote.worker.training import train

from . import tiny


def stopped(spec: Spec, after: int) -> None:
    seen: list[Event] = []
    with pytest.raises(Stopped):
        train(spec, lambda: sum(event.kind == "progress" for event in seen) >= after, seen.append)


def attempt(spec: Spec, number: int) -> Spec:
    return msgspec.structs.replace(spec, attempt=number)


@pytest.mark.parametrize("name", ["optimizer.safetensors", "progress.json", "manifest.json", "best.safetensors"])
def test_a_damaged_checkpoint_is_passed_over_and_the_end_is_the_same(
    base: Path, whole: Path, tmp_path: Path, name: str
) -> None:
    spec = tiny.spec(tmp_path, base)
    stopped(spec, 5)
    newest, before = checkpoint.folders(Path(spec.work) / "checkpoints")
    assert (newest.name, before.name) == ("step-00000005", "step-00000003")
    content = bytearray((newest / name).read_bytes())
    content[len(content) // 2] ^= 1
    (newest / name).write_bytes(content)
    started: list[Event] = []
    train(attempt(spec, 2), on_event=started.append)
    assert any("going on after step 3" in event.message for event in started)
    assert any("step-00000005" in event.message for event in started if event.kind == "warning")
    one, other = (read_result(folder / "output").files for folder in (tmp_path, whole))
    assert one["adapter/adapter_model.safetensors"] == other["adapter/adapter_model.safetensors"]


def test_a_manifest_that_names_too_few_files_is_no_checkpoint(base: Path, tmp_path: Path) -> None:
    spec = tiny.spec(tmp_path, base)
    stopped(spec, 5)
    newest, before = checkpoint.folders(Path(spec.work) / "checkpoints")
    manifest = checkpoint.verified(newest)
    assert manifest is not None
    for kept in ({}, {name: sha256 for name, sha256 in manifest.files.items() if name != "progress.json"}):
        (newest / "manifest.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, files=kept)))
        assert checkpoint.verified(newest) is None
        found = checkpoint.newest(newest.parent, manifest.identity)
        assert found is not None and found.progress.step == 3
    (newest.parent / "step-00000009").write_text("a file")
    assert checkpoint.verified(newest.parent / "step-00000009") is None
    assert set(checkpoint.clear(newest.parent, manifest.identity)) == {newest.name, "step-00000009"}
    assert checkpoint.folders(newest.parent) == [before]


def test_eight_bit_state_is_resumed_too(base: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"optimizer": "paged_adamw_8bit", "rank": 64, "max_epochs": 1}
    straight = train(tiny.spec(tmp_path / "straight", base, **changes))
    spec = tiny.spec(tmp_path / "again", base, **changes)
    stopped(spec, 3)
    again = train(attempt(spec, 2))
    assert again.files["adapter/adapter_model.safetensors"] == straight.files["adapter/adapter_model.safetensors"]


def test_another_recipes_checkpoint_is_not_gone_on_from(base: Path, tmp_path: Path) -> None:
    stopped(tiny.spec(tmp_path, base), 5)
    events: list[Event] = []
    train(tiny.spec(tmp_path, base, attempt=2, learning_rate=1e-3, max_epochs=1), on_event=events.append)
    assert not any("going on" in event.message for event in events)


def test_a_number_is_claimed_once(base: Path, tmp_path: Path) -> None:
    spec = tiny.spec(tmp_path, base, max_epochs=1)
    train(attempt(spec, 3))
    for number in (2, 3):
        with pytest.raises(Superseded):
            train(attempt(spec, number))


def test_other_data_than_the_spec_names_is_refused(base: Path, tmp_path: Path) -> None:
    spec = tiny.spec(tmp_path, base)
    Path(spec.data.train.path).write_text("{}\n")
    with pytest.raises(InputRefused, match="SHA-256"):
        train(spec)


def test_stage_two_goes_on_from_an_adapter_and_measures_stage_one_again(
    base: Path, whole: Path, tmp_path: Path
) -> None:
    spec = tiny.spec(tmp_path, base, replay_share=0.5, max_epochs=1)
    replay = tiny.conversations(tmp_path / "replay.jsonl", 8, 50)
    known = tiny.conversations(tmp_path / "known.jsonl", 5, 100)
    data = msgspec.structs.replace(spec.data, replay=replay, replay_valid=known)
    result = train(msgspec.structs.replace(spec, data=data, resume_adapter=str(whole / "output" / "adapter")))
    first = read_result(whole / "output")
    assert result.replay_loss_before == pytest.approx(first.valid_loss_best, rel=1e-4)
    assert result.replay_loss_after is not None
    assert result.examples_seen == 22 + 8


def test_an_adapter_of_another_shape_is_refused(base: Path, whole: Path, tmp_path: Path) -> None:
    spec = tiny.spec(tmp_path, base, rank=8)
    with pytest.raises(InputRefused, match="shape"):
        train(msgspec.structs.replace(spec, resume_adapter=str(whole / "output" / "adapter")))


def test_a_loss_that_is_no_number_names_step_and_example(base: Path, tmp_path: Path) -> None:
    with pytest.raises(NonFinite, match=r"step \d+, in train.jsonl"):
        train(tiny.spec(tmp_path, base, learning_rate=1.0, alpha=1e30, save_steps=100, warmup_steps=0))
