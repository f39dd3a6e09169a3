"""ZAP's XML: encodings, nesting, entities."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.scanners import markup
from pipeline.scanners.interface import Fault, RawFinding, ReportRefused
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


def test_what_stands_beside_the_instances_is_none_of_theirs(tmp_path: Path) -> None:
    beside = "<other><thing><method>EVIL</method></thing></other>"
    said = read(tmp_path, ONE.replace("<count>", f"{beside}<count>").replace("</instance>", f"</instance>{beside}"))
    assert [one.location.method for one in said] == ["POST"]  # type: ignore[union-attr]


def test_a_document_type_is_refused_where_it_begins(tmp_path: Path) -> None:
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 40))
    for inside in (f'[<!ENTITY l0 "ha">{bomb}]', 'SYSTEM "file:///etc/passwd"', ""):
        with pytest.raises(ReportRefused, match="declares a document type"):
            read(tmp_path, ONE.replace("<OWASPZAPReport", f"<!DOCTYPE OWASPZAPReport {inside}><OWASPZAPReport", 1))


def test_a_tag_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "LONGEST_TOKEN", 10_000)
    monkeypatch.setattr(markup, "CHUNK", 1_000)
    said = read(tmp_path, ONE.replace("</alerts>", '<a b="' + "c" * 50_000))
    assert [type(one) for one in said] == [RawFinding, Fault]
    assert said[1].reason == "a piece longer than 10000 bytes"  # type: ignore[union-attr]


def test_alert_without_a_rule_is_a_fault(tmp_path: Path) -> None:
    said = read(tmp_path, ONE.replace("40018", ""))
    assert said == [Fault(pointer="/site[1]/alertitem[1]/instances/0", reason="names no rule")]


def test_html_becomes_lines() -> None:
    assert plain("<p>One &amp; two.</p><p>Three<br>four &lt;b&gt;</p>") == "One & two.\nThree\nfour <b>"
    assert plain("<" * 100_000) == "<" * 100_000
