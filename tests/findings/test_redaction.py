"""Secrets leave every text, equal ones stay equal, and what is no secret stays."""

import multiprocessing
import stat
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import Error
from pipeline.findings import known_secrets
from pipeline.findings.known_secrets import KnownSecrets
from pipeline.findings.named_secrets import find_named_secrets
from pipeline.findings.redaction import PLACEHOLDER, SHORTEST_FORM, Redactor, load_key
from pipeline.findings.secret_rules import rules
from tests.findings.secrets import ALNUM, CONTEXTS, INNOCENT, TOKENS, pem, some

KEY = b"k" * 32
PLAIN = Redactor(KEY)
AROUND = ("{}", "x = '{}'", "found {} in line 3", "key={};", '{{"a": "{}"}}', "a\n{}\nb", "({})", "https://h/x?y={}")


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_found_by_its_form_wherever_it_stands(kind: str, around: str) -> None:
    if kind in ("random key", "e-mail", "slack webhook") and around.startswith("https"):
        pytest.skip("in a URL only what says that it is a secret is one")
    secret = TOKENS[kind]
    text = around.format(f"https://hooks.slack.com/services/{secret}" if kind == "slack webhook" else secret)
    redacted = PLAIN.redact(text)
    assert secret not in redacted and PLACEHOLDER.search(redacted), redacted
    assert not any(secret[start : start + 12] in redacted for start in range(5, len(secret) - 12)), redacted


@pytest.mark.parametrize("kind", CONTEXTS)
def test_a_secret_is_found_by_what_stands_around_it(kind: str) -> None:
    frame, secret = CONTEXTS[kind]
    redacted = PLAIN.redact(frame.format(secret))
    assert secret not in redacted and PLACEHOLDER.search(redacted), redacted
    start = frame.split("{}")[0].replace("{{", "{")
    assert redacted.startswith(start[:8]), "what isn't secret stays readable"


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert PLAIN.redact(text) == text


@pytest.mark.parametrize("form", ["whole", "escaped", "indented", "without end", "middle lines"])
def test_a_private_key_leaves_no_line(form: str) -> None:
    block = pem()
    lines = block.split("\n")
    text = {
        "whole": f"key = '''{block}'''",
        "escaped": '"private_key": "' + block.replace("\n", "\\n") + '"',
        "indented": "\n".join("    " + line for line in lines),
        "without end": "\n".join(lines[:-1]),
        "middle lines": "\n".join(lines[2:4]),
    }[form]
    redacted = PLAIN.redact(text)
    assert not any(line in redacted for line in lines[1:-1])


def test_equal_secrets_are_equal_and_others_are_not() -> None:
    first, second = some(36), some(36)
    one = PLAIN.redact(f"a ghp_{first} b ghp_{second} c ghp_{first}")
    found = PLACEHOLDER.findall(one)
    assert found[0] == found[2] != found[1]


def test_the_hash_is_keyed() -> None:
    text = "ghp_" + "a1B2" * 9
    assert PLAIN.redact(text) != Redactor(b"j" * 32).redact(text)


def test_values_scanners_report_are_redacted_everywhere_and_in_every_form() -> None:
    secret = 'p@ss <w>&rd/"7'
    redactor = Redactor(KEY, [secret])
    for text in (
        f"x {secret} y",
        'x p@ss <w>&rd/\\"7 y',
        "x p%40ss%20%3Cw%3E%26rd%2F%227 y",
        "x p@ss &lt;w&gt;&amp;rd/&quot;7 y",
    ):
        redacted = redactor.redact(text)
        assert redacted.startswith("x [redacted:secret:") and redacted.endswith("] y"), redacted


@pytest.mark.parametrize(
    "text",
    [
        "tool --db-password {} x",
        "secret={}=a=b=c=d=e",
        "a_token=b_token={}",
        "password=" * 50 + "{}",
        "-  12: export MY_SECRET_KEY={}",
        "x" * 90 + "_password = '{}'",
    ],
)
def test_a_value_given_to_a_name_is_found(text: str) -> None:
    assert "hunter2x!" not in PLAIN.redact(text.format("hunter2x!"))


@pytest.mark.parametrize("form", ["{} ", "'{}'", "{}[", "{}\n", "{}=", "--{} "])
@pytest.mark.parametrize("name", ["password=", "token-token=", "key: ", "secret", "<password>", "aws_key "])
def test_each_name_is_looked_at_once_however_often_it_is_repeated(name: str, form: str) -> None:
    """What the forms go through after names is bounded by the text's length, whatever stands there."""
    text = form.format(name * 2_000)
    spans = list(find_named_secrets(text))
    assert sum(end - start for start, end, _ in spans) <= 6 * len(text)


def test_a_lone_surrogate_is_no_obstacle() -> None:
    assert "plum-tree-7" not in Redactor(KEY, ["plum-tree-7", "\ud800abcdef"]).redact("\ud800 plum-tree-7 \udfff")


def test_the_lines_of_a_reported_key_are_redacted_one_by_one() -> None:
    lines = [some(40) for _ in range(3)]
    redactor = Redactor(KEY, ["\n".join(lines)])
    assert all(line not in redactor.redact(f"1: {line}.") for line in lines)


@pytest.mark.parametrize("value", ["", "abc", "test", "REDACTED", "********", "${TOKEN}", "password"])
def test_values_that_tell_nothing_are_not_searched_for(value: str) -> None:
    assert not KnownSecrets([value])


def test_thousands_of_reported_values_stay_fast() -> None:
    values = [some(24) for _ in range(5000)]
    redactor = Redactor(KEY, values)
    assert values[4321] not in redactor.redact("x " * 5000 + values[4321])


def test_values_that_begin_with_one_another_do_not_break_it() -> None:
    values = ["s3cret" + "x" * length for length in range(1500)]
    assert Redactor(KEY, values).redact("a " + values[-1] + " b").count("x") == 0


def test_part_of_a_reported_value_inside_a_token_leaks_nothing() -> None:
    token = "ghp_" + some(36)
    redacted = Redactor(KEY, [token[10:20]]).redact(f"see {token} here")
    assert redacted.startswith("see [redacted:") and redacted.endswith("] here")


PARTS = st.one_of(
    st.sampled_from(sorted(TOKENS.values())),
    st.sampled_from([frame.format(secret) for frame, secret in CONTEXTS.values()]),
    st.sampled_from(INNOCENT),
    st.text(max_size=12),
    st.sampled_from(["\n", " ", "'", '"', "=", ": ", "[redacted:secret:0a1b2c3d]", "password", "token = ", "://", "@"]),
)


@given(st.lists(PARTS, max_size=8))
@settings(max_examples=300, deadline=None)
def test_redacting_twice_changes_nothing(parts: list[str]) -> None:
    once = PLAIN.redact("".join(parts))
    assert PLAIN.redact(once) == once


@given(st.text(max_size=30), st.sampled_from(sorted(TOKENS)), st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_a_token_between_any_words_does_not_get_through(before: str, kind: str, after: str) -> None:
    if kind in ("random key", "e-mail", "slack webhook"):
        kind = "jwt"
    assert TOKENS[kind] not in PLAIN.redact(f"{before} {TOKENS[kind]} {after}")


@given(st.text(st.sampled_from(ALNUM + "!/@#: "), min_size=8, max_size=40), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_reported_value_does_not_get_through_anywhere(secret: str, before: str, after: str) -> None:
    secret = secret.strip()
    if not KnownSecrets([secret]) or "[redacted" in before + after:
        return
    assert secret not in Redactor(KEY, [secret]).redact(before + secret + after) or secret in "[redacted:secret:"


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    key = load_key(tmp_path)
    assert load_key(tmp_path) == key and len(key) == 32
    assert stat.S_IMODE((tmp_path / "redaction.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["redaction.key"]


def test_two_processes_agree_on_the_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(load_key, [tmp_path] * 8))) == 1


def test_a_key_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "redaction.key").write_bytes(b"short")
    with pytest.raises(Error, match="isn't a redaction key"):
        load_key(tmp_path)


def test_long_reported_secrets_are_found_by_an_automaton_that_is_built_in_one_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A DFA, the library's choice for few patterns, took a minute for what a hostile report of 60 kB can name."""
    chosen: list[object] = []
    build = known_secrets.AhoCorasick

    def recorded(*patterns: object, **options: object) -> object:
        chosen.append(options["implementation"])
        return build(*patterns, **options)

    monkeypatch.setattr(known_secrets, "AhoCorasick", recorded)
    secret = "<p>aB3" * 100
    assert PLACEHOLDER.sub("", Redactor(KEY, [secret]).redact(f"({secret})")) == "()"
    assert chosen == [known_secrets.Implementation.ContiguousNFA]


def test_no_rule_without_a_needle_matches_less_than_the_shortest_form() -> None:
    bare = [rule for rule in rules() if not rule.needles]
    assert bare
    assert min(_parser.parse(rule.pattern.pattern).getwidth()[0] for rule in bare) >= SHORTEST_FORM
