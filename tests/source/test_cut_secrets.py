"""Nothing of a source is cut before it is redacted: half a secret is one that nothing can tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.findings.redaction import PLACEHOLDER, Redactor
from pipeline.records import Domain, Excerpt
from pipeline.source.sketch import Sketch, kept
from tests.findings.secrets import ALNUM, some
from tests.source.test_locate import locate
from tests.source.trees import finding_at, write_files

TOKEN = "ghp_" + some(36)
REDACT = Redactor(b"k" * 32).redact


def pieces(secret: str, size: int = 10) -> list[str]:
    return [secret[start : start + size] for start in range(4, len(secret) - size + 1)]


def excerpt(tmp_path: Path, path: str, text: str, line: int = 1, **more: int) -> Excerpt:
    source = write_files(tmp_path / "src", {path: text})
    _, (made,), _ = locate(tmp_path, [finding_at(path, line)], source, **more)
    return made


@pytest.mark.parametrize("before", range(40, 120, 7))
def test_a_long_line_is_redacted_before_it_is_cut(tmp_path: Path, before: int) -> None:
    line = f"{'a;' * (before // 2)} x('{TOKEN}'); {'b;' * 400}"
    made = excerpt(tmp_path, "a.min.js", line + "\n", max_line_characters=100)
    assert not any(piece in made.text for piece in pieces(TOKEN))
    assert len(made.text) <= 110


@pytest.mark.parametrize("before", [450, 480, 500, 520, 540])
def test_a_secret_at_either_end_of_what_is_shown_round_a_column_leaves_nothing(before: int) -> None:
    line = "x('" + TOKEN + "');" + "a;" * before + "eval(y);" + "b;" * before + "x('" + TOKEN + "');"
    column = line.index("eval") + 1
    text, reach = kept(line, 0, 1_000, column)
    assert reach is not None
    drawn = Sketch(excerpt=bare(text), limit=1_000, reaches=(reach,))
    shown = drawn.finished(REDACT(text), "", REDACT).text
    assert "eval(y)" in shown and not any(piece in shown for piece in pieces(TOKEN))


def test_a_reported_secret_that_reaches_over_the_end_of_what_is_shown_is_hidden(tmp_path: Path) -> None:
    secret = "hunter2-" + some(60, ALNUM)
    text = "x" * 80 + f"; token = '{secret}'; " + "y" * 3_000 + "\n"
    source = write_files(tmp_path / "src", {"a.min.js": text})
    finding = finding_at("a.min.js", 1, domain=Domain.SECRETS)
    _, (made,), _ = locate(tmp_path, [finding], source, max_line_characters=120)
    assert not any(piece in made.text for piece in pieces(secret))


def test_a_header_is_redacted_before_it_is_cut(tmp_path: Path) -> None:
    text = f"import os, {'a' * 60} # {TOKEN}\n" + "\n" * 50 + "def f():\n    os.system(x)\n"
    made = excerpt(tmp_path, "a.py", text, 53, max_line_characters=90)
    assert made.header.startswith("import os") and not any(piece in made.header for piece in pieces(TOKEN))


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("requirements.txt", f"git+https://x-access-token:{TOKEN}@github.com/o/r.git@main#egg=r\n", 1),
        (
            "a.js",
            f"client.connectWithAVeryLongNameHere('https://me:{TOKEN}@h/path', () => {{\n  eval(x)\n  y()\n}})\n",
            2,
        ),
        ("a.yaml", f"'https://x-access-token:me:{TOKEN}@registry.example.com/very/long':\n  a: 1\n  b: 2\n", 2),
        ("a.tf", f'resource "x" "a{"b" * 40}{TOKEN}" {{\n  a = 1\n}}\n', 2),
    ],
)
def test_a_name_is_redacted_before_it_is_cut(tmp_path: Path, path: str, text: str, line: int) -> None:
    made = excerpt(tmp_path, path, text, line)
    assert made.symbol and not any(piece in made.symbol for piece in pieces(TOKEN)), made.symbol


def test_a_name_too_long_to_be_read_whole_loses_its_end(tmp_path: Path) -> None:
    made = excerpt(tmp_path, "requirements.txt", "a" * 3_980 + TOKEN + "\n")
    assert made.symbol and len(made.symbol) <= 80


def bare(text: str) -> Excerpt:
    from pipeline.records import Tier

    return Excerpt(
        fingerprint="f", path="a", start_line=1, text=text, flagged=(1, 1), language="text", tier=Tier.WINDOW
    )


WORDS = st.lists(st.sampled_from(["a;", "eval(x)", TOKEN, " ", "é", "ghp_", "password='hunter22'"]), max_size=60)


@given(words=WORDS, limit=st.integers(10, 200), column=st.integers(1, 2_000))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_what_is_shown_is_whole_marks_and_no_piece_of_a_secret(words: list[str], limit: int, column: int) -> None:
    line = " ".join(words)
    text, reach = kept(line, 0, limit, column)
    drawn = Sketch(excerpt=bare(text), limit=limit, reaches=() if reach is None else (reach,))
    shown = drawn.finished(REDACT(text), "", REDACT).text
    assert not any(piece in shown for piece in pieces(TOKEN))
    assert shown.count("[redacted:") == len(PLACEHOLDER.findall(shown))
    assert reach is None or len(shown) <= limit + 6 + 60
