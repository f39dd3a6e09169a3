"""Everything that would make the figures lie is caught, with a sentence of its own; a worse model never passes."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from config.errors import NotBetter
from config.settings import Gate as Policy
from config.settings import Settings
from pipeline.evaluation import binding, canaries
from pipeline.evaluation.gate import Gate, decide
from pipeline.evaluation.measurement import Loaded, Loss, question_id
from pipeline.evaluation.questions import HeldOut, questions
from pipeline.evaluation.report import Report, build, encode
from pipeline.evaluation.verdict import require_better
from pipeline.models.base import BaseModel
from pipeline.records import Message, Outcome, Verdict
from pipeline.stage import Context, FileDigest, Manifest, Request
from tests.evaluation import fabricated

POLICY = Policy()


def manifest(**outputs: str) -> Manifest:
    digests = {f"model/{name.replace('_', '.')}": FileDigest(bytes=1, sha256=value) for name, value in outputs.items()}
    return Manifest(
        stage="train-analysis",
        key="k",
        code="c",
        settings={},
        inputs={},
        outputs=digests,
        counts={"base_digest": "right"},
    )


@pytest.fixture(scope="module")
def data() -> HeldOut:
    return fabricated.held_out()


def three(data: HeldOut, first: float = 0.9, second: float = 1.0) -> Report:
    return fabricated.report(
        data,
        [
            fabricated.model("base", data, 0.1, loss=2.0),
            fabricated.model("stage-1", data, first, loss=0.6),
            fabricated.model("stage-2", data, second, loss=0.5),
        ],
    )


def test_a_swapped_adapter_is_caught() -> None:
    loaded = Loaded(model="stage-1", base={}, adapter={"adapters.safetensors": "other"})
    with pytest.raises(binding.Tampered, match="The adapter of stage-1 was swapped"):
        binding.check_adapter(loaded, manifest(adapters_safetensors="meant"))
    binding.check_adapter(loaded, manifest(adapters_safetensors="other"))


def test_another_base_model_is_caught(tmp_path: Path) -> None:
    base = BaseModel(name="embedded", path=tmp_path, digest="wrong")
    with pytest.raises(binding.Tampered, match="trained on another base model"):
        binding.check_base(base, Loaded(model="stage-1", base={}, adapter={}), manifest())


def test_a_data_set_edited_after_it_was_made_is_caught(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text("{}\n")
    made = manifest()
    made = msgspec.structs.replace(made, outputs={"test.jsonl": FileDigest(bytes=3, sha256="0" * 64)})
    with pytest.raises(binding.Tampered, match=r"test\.jsonl changed since the data set was made"):
        binding.check_dataset(tmp_path, made)


def test_a_test_set_that_shares_a_cluster_with_training_is_caught(data: HeldOut) -> None:
    near = fabricated.finding(7, cluster=str(data.train["analysis"][0].metadata["cluster"]))
    leaked = HeldOut(train=data.train, test={"analysis": [*data.test["analysis"], near], "codefix": []})
    with pytest.raises(binding.Leaked, match="leaked into training: 1 of 37 held-out examples share a cluster"):
        binding.check_leak(leaked)
    binding.check_leak(data)


def test_a_test_set_that_shares_a_cluster_with_validation_is_caught_for_it_chose_the_adapter(data: HeldOut) -> None:
    near = fabricated.finding(7, cluster=str(data.test["analysis"][0].metadata["cluster"]))
    with pytest.raises(binding.Leaked, match="leaked into training"):
        binding.check_leak(HeldOut(train=data.train, test=data.test, valid={"analysis": [near], "codefix": []}))


def test_the_same_question_under_another_cluster_is_caught(data: HeldOut) -> None:
    same = data.train["analysis"][0]
    copy = msgspec.structs.replace(same, metadata=same.metadata | {"cluster": "elsewhere"})
    with pytest.raises(binding.Leaked, match="1 ask the very same"):
        binding.check_leak(HeldOut(train=data.train, test={"analysis": [copy], "codefix": []}))


def test_metrics_equal_to_the_last_digit_are_caught(data: HeldOut) -> None:
    base = fabricated.model("base", data, 0.5)
    loaded = msgspec.structs.replace(base.loaded, model="stage-1", adapter={"adapters.safetensors": "a"})
    ignored = msgspec.structs.replace(base, name="stage-1", loaded=loaded)
    with pytest.raises(binding.Indistinct, match="base and stage-1 are equal to the last digit"):
        binding.check_distinct([base, ignored])


def test_one_adapter_under_two_names_is_caught(data: HeldOut) -> None:
    one, other = (fabricated.model(name, data, 0.5) for name in ("stage-1", "stage-2"))
    twin = msgspec.structs.replace(other, loaded=msgspec.structs.replace(other.loaded, adapter=one.loaded.adapter))
    with pytest.raises(binding.Indistinct, match="stage-1 and stage-2 are the same adapter under two names"):
        binding.check_distinct([one, twin])


def test_shuffled_labels_bring_a_perfect_model_down_to_chance(data: HeldOut) -> None:
    drawn = random.Random(4)
    examples = data.test["analysis"]
    labels = [example.messages[-1].content for example in examples]
    drawn.shuffle(labels)
    shuffled = [
        msgspec.structs.replace(one, messages=(*one.messages[:-1], Message(role="assistant", content=label)))
        for one, label in zip(examples, labels, strict=True)
    ]
    mixed = HeldOut(train=data.train, test={"analysis": shuffled, "codefix": data.test["codefix"]})
    perfect = fabricated.model("stage-1", data, 1.0).answers
    by_prompt = {one.messages[1].content: perfect[question_id(one)] for one in examples}
    honest = fabricated.model("stage-1", mixed, 1.0, loss=0.6)
    for one in shuffled:
        honest.answers[question_id(one)] = msgspec.structs.replace(
            by_prompt[one.messages[1].content], question=question_id(one)
        )
    report = fabricated.report(mixed, [fabricated.model("base", mixed, 0.1), honest])
    row = next(row for row in report.rows if row.model == "stage-1")
    assert (row.metrics["cwe"].value or 0) < 0.45
    assert not decide(report, POLICY).better


@pytest.mark.parametrize("said", [0, 1])
def test_a_constant_model_never_passes(data: HeldOut, said: int) -> None:
    text = fabricated.finding(said).messages[-1].content
    models = [
        fabricated.model("base", data, 0.0, loss=2.0),
        fabricated.model("stage-1", data, 0.0, loss=0.5, text=text),
    ]
    verdict = decide(fabricated.report(data, models), POLICY)
    assert not verdict.better
    failed = [rule.name for rule in verdict.judgements[0].rules if rule.passed is False]
    assert "beats the constant answer" in failed


def test_better_models_pass_and_every_rule_names_its_figure(data: HeldOut) -> None:
    verdict = decide(three(data), POLICY)
    assert verdict.better, [rule for one in verdict.judgements for rule in one.rules if rule.passed is False]
    assert [one.specialist for one in verdict.judgements] == ["analysis", "codefix"]
    assert all(rule.threshold is not None and rule.sentence for one in verdict.judgements for rule in one.rules)


def test_no_better_than_the_base_does_not_pass(data: HeldOut) -> None:
    report = fabricated.report(data, [fabricated.model("base", data, 0.6), fabricated.model("stage-1", data, 0.62)])
    assert not decide(report, POLICY).better


def test_stage_2_may_not_forget_stage_1(data: HeldOut) -> None:
    verdict = decide(three(data, second=0.5), POLICY)
    rules = {rule.name: rule for rule in verdict.judgements[1].rules}
    assert rules["remembers stage 1"].passed is False and "after stage 1" in rules["remembers stage 1"].sentence
    assert verdict.judgements[0].better and not verdict.better


def test_fewer_verified_fixes_close_the_gate_whatever_the_loss(data: HeldOut) -> None:
    def verify(fixes):
        return [
            Verdict(
                fingerprint=fix.fingerprint,
                fix="x",
                outcome=Outcome.VERIFIED if "run(" in fix.replacement else Outcome.REFUTED,
                evidence="scanned",
                check=None if "run(" in fix.replacement else "finding gone",
            )
            for fix in fixes
        ]

    models = [
        fabricated.model("base", data, 0.1),
        fabricated.model("stage-1", data, 0.9, loss=0.6),
        fabricated.model("stage-2", data, 0.2, loss=0.1),
        fabricated.model("champion-codefix", data, 0.95, loss=0.9),
    ]
    asked = questions(data, fabricated.SETTINGS)
    report = build(models, asked, data, binding={}, curves={}, verify=verify)
    rules = {rule.name: rule for rule in decide(report, POLICY).judgements[1].rules}
    assert rules["better"].passed and rules["verified fixes"].passed is False
    found = {row.model: row.metrics["fix_verified"].value for row in report.rows if "fix_verified" in row.metrics}
    assert found["no-op"] == 0.0 and found["champion-codefix"] > 0.8
    assert report.details["stage-2"]["checks"]["finding gone"] > 10


def test_the_champion_is_to_be_beaten_where_there_is_one(data: HeldOut) -> None:
    models = [
        fabricated.model("base", data, 0.1),
        fabricated.model("stage-1", data, 0.8),
        fabricated.model("champion-analysis", data, 0.97),
    ]
    judged = decide(fabricated.report(data, models), POLICY).judgements[0]
    assert (judged.against, judged.better) == ("champion-analysis", False)


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"max_false_positives": 0.0}, "false positives"),
        ({"max_unparsable": 0.0}, "unparsable"),
        ({"max_unfaithful": 0.0}, "unfaithful"),
        ({"min_fused": 1.0}, "fusing"),
    ],
)
def test_each_limit_closes_the_gate(data: HeldOut, limits: dict[str, float], rule: str) -> None:
    report = three(data)
    row = next(row for row in report.rows if row.model == "stage-1")
    for name in ("false_positives", "unparsable", "unfaithful"):
        row.metrics[name] = msgspec.structs.replace(row.metrics[name], value=0.01)
    open_policy = Policy(max_unfaithful=1.0)
    assert decide(report, open_policy).judgements[0].better
    closed = decide(report, msgspec.structs.replace(open_policy, **limits)).judgements[0]
    assert [one.name for one in closed.rules if one.passed is False] == [rule]


def test_secrets_and_canaries_close_the_gate(data: HeldOut) -> None:
    report = three(data)
    report.details["stage-1"] |= {"secrets": 1, "exposure": 6.5}
    failed = [rule for rule in decide(report, POLICY).judgements[0].rules if rule.passed is False]
    assert {rule.name for rule in failed} == {"secrets", "canaries"}
    assert "6.5 bits" in failed[0].sentence


def test_the_stage_writes_its_verdict_and_not_better_exits_4(tmp_path: Path, data: HeldOut) -> None:
    folder = tmp_path / "evaluate" / "evaluation"
    folder.mkdir(parents=True)
    (folder / "report.json").write_bytes(encode(three(data, first=0.1, second=0.1)))
    warnings: list[str] = []
    counts = Gate().run(context(tmp_path, warnings))
    assert counts == {"better": False, "passed": [], "figures": {}} and not warnings
    assert "not better" in (tmp_path / "report.html").read_text()
    with pytest.raises(NotBetter, match="The analysis specialist isn't better than base") as raised:
        require_better(tmp_path)
    assert raised.value.exit_code == 4


def context(folder: Path, warnings: list[str]) -> Context:
    return Context(
        folder=folder,
        work=folder,
        inputs={"evaluate": folder / "evaluate"},
        request=Request(artifacts="a", artifacts_digest="d"),
        settings=Settings(),
        progress=lambda _: None,
        warnings=warnings,
    )


def test_a_memorised_canary_is_exposed_and_an_unknown_one_is_not() -> None:
    planted = canaries.plant(7, 2)
    rivals = canaries.rivals(planted)
    own = {question_id(one) for one in planted}
    drawn = random.Random(2)

    def losses(known: float) -> dict[str, Loss]:
        return {
            name: Loss(
                question=name, model="m", kind="canary", total=known if name in own else drawn.random() + 5, tokens=9
            )
            for name in map(question_id, rivals)
        }

    assert canaries.exposure(planted, losses(0.1)) == pytest.approx(8.0 - 1.0)
    assert canaries.exposure(planted[:1], losses(0.1)) == pytest.approx(8.0)
    assert (canaries.exposure(planted, losses(9.0)) or 0) == pytest.approx(0.0)
    assert canaries.exposure([], {}) is None


def test_unknown_canaries_close_the_gate_seldom_however_many_are_planted() -> None:
    most = Policy().max_exposure
    for count in (1, 4, 10):
        planted = canaries.plant(3, count)
        closed = 0
        for trial in range(60):
            drawn = random.Random(trial)
            losses = {
                name: Loss(question=name, model="m", kind="canary", total=drawn.random(), tokens=9)
                for name in map(question_id, canaries.rivals(planted))
            }
            closed += (canaries.exposure(planted, losses) or 0) > most
        assert closed <= 60 / 8, "chance is at most a sixteenth"
        known = {name: msgspec.structs.replace(loss, total=2.0) for name, loss in losses.items()}
        one = question_id(planted[0])
        assert (canaries.exposure(planted, known | {one: msgspec.structs.replace(losses[one], total=1.0)}) or 0) > most
