"""Canaries: planted in training on request, and nowhere else."""

from pathlib import Path

import msgspec
from samples import excerpt, finding, fix

from config.settings import Dataset, Settings
from pipeline.dataset.assemble import Assemble
from pipeline.evaluation import canaries
from pipeline.evaluation.questions import read_held_out
from pipeline.records import Example, Outcome, Retrieved, Verdict
from pipeline.stage import Context, Request, digest_of, read_records, write_records


def assembled(folder: Path, dataset: Dataset) -> Path:
    """Return the data set's folder, made from six fixed findings in files of their own."""
    names = [f"f{number}" for number in range(6)]
    places = {name: f"app/{name}.py" for name in names}
    texts = {
        name: f"import yaml\n\n# {name * 20}\n    return yaml.load(stream)\n\nSIZE_{name} = {number}\n"
        for number, name in enumerate(names)
    }
    fixes = [fix(name, places[name]) for name in names]
    verdicts = [
        Verdict(fingerprint=one.fingerprint, fix=digest_of(one), outcome=Outcome.VERIFIED, evidence="scanned again")
        for one in fixes
    ]
    write_records(folder / "parse" / "findings.jsonl", [finding(name, places[name]) for name in names])
    write_records(folder / "locate" / "excerpts.jsonl", [excerpt(name, places[name], texts[name]) for name in names])
    write_records(folder / "retrieve" / "passages.jsonl", [Retrieved(fingerprint=name, passages=()) for name in names])
    write_records(folder / "mine" / "fixes.jsonl", fixes)
    write_records(folder / "verify" / "verdicts.jsonl", verdicts)
    inputs = {name: folder / name for name in Assemble.needs}
    request, settings = Request(artifacts="a", artifacts_digest="d"), Settings(dataset=dataset)
    Assemble().run(
        Context(
            folder=folder / "assemble", work=folder, inputs=inputs, request=request, settings=settings,
            progress=lambda _: None, warnings=[],
        )
    )  # fmt: skip
    return folder / "assemble" / "dataset"


def test_canaries_are_added_to_training_alone_and_written_down(tmp_path: Path) -> None:
    plain = assembled(tmp_path / "plain", Dataset())
    planted = assembled(tmp_path / "planted", Dataset(canaries=2, canary_copies=3))
    assert not (plain / canaries.CANARIES).exists()
    known = list(read_records(planted / canaries.CANARIES, Example))
    assert known == canaries.plant(Dataset().seed, 2)
    train = "analysis/train.jsonl"
    assert (planted / train).read_bytes().startswith((plain / train).read_bytes())
    added = list(read_records(planted / train, Example))[len(list(read_records(plain / train, Example))) :]
    assert added == known * 3
    others = [path for path in plain.rglob("*.jsonl") if path != plain / train]
    assert all(path.read_bytes() == (planted / path.relative_to(plain)).read_bytes() for path in others)


def test_canaries_teach_the_trivial_answers_nothing_and_are_never_asked(tmp_path: Path) -> None:
    plain = assembled(tmp_path / "plain", Dataset())
    planted = assembled(tmp_path / "planted", Dataset(canaries=2))
    assert msgspec.json.encode(read_held_out(plain)) == msgspec.json.encode(read_held_out(planted))
