"""Other people's files and other models' chat templates: every token as the model knows it, or a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import InputRefused
from pipeline.models import chat, tiny
from pipeline.models.load import checked_config, load
from pipeline.training.examples import Encoded, encode, read

from .conftest import conversation

TALK = [
    {"role": "system", "content": "You are strict."},
    {"role": "user", "content": "hé 漢 🙂\u2028next"},
    {"role": "assistant", "content": "ja 🙂"},
]
GEMMA = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{{ '<|user|>' if message['role'] == 'user' else '<|assistant|>' }}"
    "{{ message['content'] | trim }}<|system|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SILENT = (
    GEMMA[GEMMA.index("{% for") :]
    .replace("{{ '<|user|>'", "{% if message['role'] != 'system' %}{{ '<|user|>'")
    .replace("\n{% endfor", "\n{% endif %}{% endfor")
)
GENERATION = (
    "{% for message in messages %}<|{{ message['role'] }}|>{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}{% else %}{{ message['content'] }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
ENDLESS = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
DATED = (
    "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}{{ date_string }}"
)
TURNS = "{% if messages[0]['role'] != 'user' %}{{ raise_exception('Roles must alternate.') }}{% endif %}"


@pytest.fixture
def tokenizer(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that gives the tiny tokenizer with another chat template and other ends of turns."""
    from mlx_lm.utils import load_tokenizer

    tiny._tokenizer(tmp_path)

    def make(template: str, eos: str | None = "<|endoftext|>", ends: list[int] | None = None) -> Any:
        file = tmp_path / "tokenizer_config.json"
        about = json.loads(file.read_text()) | {"chat_template": template}
        about.pop("eos_token", None)
        file.write_text(json.dumps(about | ({"eos_token": eos} if eos else {})))
        return load_tokenizer(tmp_path, eos_token_ids=ends)

    return make


def learned(encoded: Encoded, tokenizer: Any) -> str:
    return str(tokenizer.decode([token for token, mark in zip(encoded.tokens, encoded.answer, strict=True) if mark]))


@pytest.mark.parametrize("template", [GEMMA, SILENT])
def test_a_template_without_a_system_role_has_its_text_before_the_first_question(tokenizer, template: str) -> None:
    made = tokenizer(template, ends=[0, 3])
    encoded = encode("x", TALK, made)
    assert made.decode(encoded.tokens) == (
        "<|user|>You are strict.\n\nhé 漢 🙂\u2028next<|system|>\n<|assistant|>ja 🙂<|system|>"
    )
    asked = chat.tokens(made, TALK[:-1], ask=True)
    assert list(encoded.tokens[: len(asked)]) == asked


def test_a_turn_ends_with_the_token_the_template_ends_it_with_even_where_eos_is_another(tokenizer) -> None:
    made = tokenizer(GEMMA, ends=[0, 3])
    assert learned(encode("x", TALK, made), made) == "ja 🙂<|system|>"


@pytest.mark.parametrize(
    ("template", "eos", "ends", "end"),
    [
        (GENERATION, "<|endoftext|>", None, "<|endoftext|>"),
        (ENDLESS, "<|endoftext|>", None, "<|endoftext|>"),
        (ENDLESS, None, [3], "<|system|>"),
    ],
)
def test_an_answer_ends_with_a_token_that_stops_the_model(tokenizer, template, eos, ends, end: str) -> None:
    made = tokenizer(template, eos, ends)
    assert learned(encode("x", TALK, made), made) == f"ja 🙂{end}"


def test_without_any_token_that_ends_a_turn_nothing_is_trained(tokenizer) -> None:
    with pytest.raises(InputRefused, match="no token that ends a turn"):
        encode("x", TALK, tokenizer(ENDLESS, None))


def test_a_template_that_writes_todays_date_writes_the_same_tomorrow(tokenizer) -> None:
    made = tokenizer(DATED + tiny.TEMPLATE)
    assert made.decode(encode("x", TALK, made).tokens).startswith("26 Jul 2024<|system|>")


@pytest.mark.parametrize("talk", [[TALK[2]], [TALK[2], TALK[1], TALK[2]]])
@pytest.mark.parametrize("template", [TURNS + ENDLESS, ENDLESS])
def test_a_conversation_the_template_cannot_write_is_named_with_the_templates_reason(
    tokenizer, template: str, talk: list[dict[str, str]]
) -> None:
    with pytest.raises(InputRefused, match="train:7: The model's chat template can't write this conversation: "):
        encode("train:7", talk, tokenizer(template))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            b'{"messages": [{"role": "human", "content": "a"}]}',
            "line 2 is not a conversation: Invalid enum value 'human'",
        ),
        (
            b'{"messages": [{"role": "user", "content": null}]}',
            r"Expected `str`, got `null` - at `\$.messages\[0\].content`",
        ),
        (
            b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}',
            "Expected `str`, got `array`",
        ),
        (b'{"messages": []}', ":2 has no answer to learn"),
        (b'{"prompt": "a", "completion": "b"}', "missing required field `messages`"),
        (b"\xff\xfe{}", "line 2 is not UTF-8"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "line 2 is not UTF-8"),
        (b'{"messages": ', "line 2 is not JSON: Expecting value, column 13"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_the_reason(models, tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "chat.jsonl"
    good = json.dumps(conversation(1) | {"metadata": {"score": float("nan")}}).encode()
    path.write_bytes(b"\xef\xbb\xbf" + good + b"\r\n" + line + b"\n")
    with pytest.raises(InputRefused, match=said):
        read(path, load(models("olmo2"))[1], 2048)


def test_what_ends_a_turn_is_also_looked_up_where_generation_is_configured(models, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(models("olmo2"), folder)
    (folder / "generation_config.json").write_text('{"eos_token_id": [0, 3]}')
    assert checked_config(folder)["eos_token_id"] == [0, 3]
    assert load(folder)[1].eos_token_ids == {0, 3}
