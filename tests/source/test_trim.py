# ruff: noqa: E501
"""Whatever is cut away, a flagged line never is."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import Source
from pipeline.records import Excerpt, FlowStep
from pipeline.source.document import document_of
from pipeline.source.place import Place
from pipeline.source.trim import shorten
from tests.source.trees import cut, finding_at

LINES = st.sampled_from(
    [
        "", "def f(x):", "    os.system(x)", "class A:", "  b: 1", "- c", "}", "{", "resource \"a\" \"b\" {", "#if A", "#else",
        "#endif", "int f() {", "FROM a AS b", "RUN x \\", "import os", "x" * 300, "jobs:", "{{ a }}", "<script>", "</script>",
        "\t\"k\": [", "end", "é漢\u2028字", "\x0c", "name = \"x\"",
    ]
)  # fmt: skip
PATHS = st.sampled_from(
    ["a.py", "a.js", "a.c", "a.cpp", "a.yml", ".github/workflows/a.yml", "a.json", "a.tf", "Dockerfile", "a.toml", "a.html",
     "a.rb", "a.pp", "requirements.txt", "yarn.lock", "Gemfile.lock", "go.mod", "a.xml", "a.kt", "a.unknown", "pom.xml"]
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=PATHS,
    lines=st.lists(LINES, min_size=1, max_size=60),
    start=st.integers(1, 60),
    length=st.integers(0, 30),
    flow=st.lists(st.integers(-1, 70), max_size=4),
    max_lines=st.integers(5, 40),
    max_characters=st.integers(500, 2000),
    shorter=st.integers(0, 500),
)
def test_no_flagged_line_is_ever_lost(
    path: str,
    lines: list[str],
    start: int,
    length: int,
    flow: list[int],
    max_lines: int,
    max_characters: int,
    shorter: int,
) -> None:
    text = "\n".join(lines) + "\n"
    document = document_of(path, text)
    finding = finding_at(path, start, flow=tuple(FlowStep(path=path, line=number) for number in flow))
    limits = Source(max_lines=max_lines, max_characters=max_characters)
    result = cut(finding, Place(path=path, start_line=start, end_line=start + length), document, limits)
    if start > len(document.lines):
        assert isinstance(result, str)
        return
    assert isinstance(result, Excerpt)
    flagged = document.lines[start - 1 : start + length]
    for excerpt in (result, shorten(result, shorter)):
        shown = excerpt.text.split("\n")[:-1]
        assert excerpt.flagged == (start, start + len(flagged) - 1)
        assert tuple(shown[start - excerpt.start_line :][: len(flagged)]) == flagged
        assert tuple(shown) == document.lines[excerpt.start_line - 1 :][: len(shown)]
    assert len(result.text.split("\n")) - 1 <= max(max_lines, len(flagged))


def test_a_finding_that_flags_too_much_gets_a_reason_instead_of_a_part() -> None:
    document = document_of("a.txt", "x\n" * 500)
    assert cut(finding_at("a.txt", 1, 500), Place(path="a.txt", start_line=1, end_line=500), document, Source()) == (
        "too_many_flagged_lines"
    )
