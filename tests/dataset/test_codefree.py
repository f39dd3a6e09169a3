"""A data set without code holds none: not in prompts, passages, answers, metadata or counts."""

import json
from collections import Counter

import msgspec
import pytest
from samples import excerpt, finding, fix

from pipeline.dataset.codefree import LEFT_OUT, Clearing
from pipeline.dataset.examples import Material, examples
from pipeline.dataset.information import _frequent_sentences
from pipeline.knowledge.corpus import fix_entries
from pipeline.knowledge.memory import known_fix
from pipeline.knowledge.prompt import render
from pipeline.records import Example, Message, Outcome, Passage, Verdict

CODE = """import vault_client
USER root
def handler(request):
    total = request.args["half `quoted` name"]
    return ledger.settle(total, "sesame-open")
"""
SECRETS = ("vault_client", "USER root", "request.args", "quoted", "ledger.settle", "sesame-open", "ledger.refuse")
MESSAGE = "Input reaches ledger.settle(total, of this handler. The literal 'sesame-open' is shown. Check `app/pay.py`."

NOTE = "Do as in:\n```python\nledger.settle(1)\n```\nAlways."


def made(flagged: int = 5, message: str = MESSAGE) -> list[Example]:
    """Return the analysis examples of one finding with all that may repeat code: passages, a fix, a chatty scanner."""
    found = finding(message=message)
    around = msgspec.structs.replace(excerpt(text=CODE), flagged=(flagged, flagged))
    line = CODE.split("\n")[flagged - 1]
    better = msgspec.structs.replace(
        fix(), start_line=flagged, end_line=flagged, before=f"{line}\n", replacement="    return ledger.refuse(total)\n"
    )
    passages = (
        *(msgspec.structs.replace(one.passage, found=True) for one in fix_entries([known_fix(found, better)])),
        Passage(id="note:a", title="A note", text=NOTE, source="notes", licence=""),
    )
    verdict = Verdict(fingerprint="f1", fix="x", outcome=Outcome.VERIFIED, evidence="two CI scans")
    material = Material(
        finding=found, excerpt=around, passages=passages, knowledge=render(passages, 2000), fixes=((better, verdict),)
    )
    return [example for kind, example in examples(material) if kind == "analysis"]


@pytest.mark.parametrize("flagged", [1, 2, 4, 5])
def test_nothing_of_the_code_is_left(flagged: int) -> None:
    before = made(flagged)
    after = [*map(Clearing(before), before)]
    assert len(after) == 2, "the finding and its safe twin"
    assert all(secret in json.dumps(msgspec.to_builtins(before)) for secret in SECRETS)
    for example in after:
        text = json.dumps(msgspec.to_builtins(example))
        assert not [secret for secret in SECRETS if secret in text]
        assert "this repository" not in text and "<code" not in text
        assert "app/read.py" in text and "`app/pay.py`" in text and "Always." in text


def test_what_was_cleared_stays_as_it_is_and_is_still_an_example() -> None:
    clear = Clearing(made())
    for example in made():
        cleared = clear(example)
        assert Clearing([cleared])(cleared) == clear(cleared) == cleared
        head = json.loads(cleared.messages[2].content.partition("\n")[0])
        assert head["cwe"] == "CWE-20"
        assert {"code", "before"}.isdisjoint(cleared.metadata)


def test_a_teachers_answer_loses_its_fences_and_quotes() -> None:
    told = "Cause: see\n~~~\nledger.settle(1)\n~~~\nthen `x` and `y = ledger` and `app/read.py`."
    example = made()[0]
    messages = (*example.messages[:2], Message(role="assistant", content=told))
    cleared = Clearing([example])(msgspec.structs.replace(example, messages=messages)).messages[2].content
    assert cleared == f"Cause: see\n{LEFT_OUT}\nthen `x` and `{LEFT_OUT}` and `app/read.py`."


def test_the_data_sets_description_repeats_no_code() -> None:
    sentences = json.dumps(_frequent_sentences([("analysis", example) for example in made()]))
    assert Counter(secret in sentences for secret in SECRETS) == {False: len(SECRETS)}
    assert "reads" in sentences
