"""ZAP's XML: encodings, nesting, entities."""

from __future__ import annotations

from pathlib import Path

from pipeline.scanners.interface import Fault, RawFinding
from pipeline.scanners.registry import recognise
from pipeline.scanners.zap import plain
from tests.scanners.corpus import HERE, report_of

ONE = (HERE / "zap" / "one.xml").read_text()


def read(folder: Path, text: str) -> list[RawFinding | Fault]:
    path = folder / "report.xml"
    path.write_text(text)
    return list(recognise(report_of(path)).read(report_of(path)))


def test_declared_encoding_is_not_believed(tmp_path: Path) -> None:
    said = read(tmp_path, ONE.replace('version="1.0"', 'version="1.0" encoding="UTF-16"', 1).replace("user", "usér"))
    assert [type(one) for one in said] == [RawFinding]
    assert said[0].location.parameter == "usér"  # type: ignore[union-attr]


def test_ten_thousand_nested_elements_are_contained(tmp_path: Path) -> None:
    said = read(tmp_path, ONE.replace("</alertitem>", "<a>" * 10_000 + "</a>" * 10_000 + "</alertitem>"))
    assert [type(one) for one in said] == [Fault]
    assert "nested" in said[0].reason  # type: ignore[union-attr]


def test_nesting_that_never_ends_is_a_fault(tmp_path: Path) -> None:
    said = read(tmp_path, ONE.replace("</alerts>", "<a>" * 100_000))
    assert [type(one) for one in said] == [RawFinding, Fault]


def test_alert_without_a_rule_is_a_fault(tmp_path: Path) -> None:
    said = read(tmp_path, ONE.replace("40018", ""))
    assert said == [Fault(pointer="/site[http://localhost:8080]/alertitem[0]/instances/0", reason="names no rule")]


def test_html_becomes_lines() -> None:
    assert plain("<p>One &amp; two.</p><p>Three<br>four &lt;b&gt;</p>") == "One & two.\nThree\nfour <b>"
    assert plain("<" * 100_000) == "<" * 100_000
