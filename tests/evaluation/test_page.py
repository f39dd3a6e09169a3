"""The page holds everything, needs nothing, and can't be broken by what a scanner or a model wrote."""

from __future__ import annotations

import argparse
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from config.settings import Gate
from daemon.commands import report as command
from pipeline.evaluation.curves import curves
from pipeline.evaluation.gate import decide
from pipeline.evaluation.page import charts
from pipeline.evaluation.page.document import document
from pipeline.evaluation.pictures import draw
from pipeline.evaluation.report import Report, encode
from pipeline.evaluation.table import table
from tests.evaluation import fabricated

HOSTILE = '</pre><script src="https://evil.example/x.js"></script><img onerror=alert(1)>'
VOID = {"meta", "br", "wbr"}


class Balance(HTMLParser):
    """Notes tags that close nothing or stay open, and every name of a tag."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report() -> Report:
    data = fabricated.held_out()
    models = [
        fabricated.model("base", data, 0.1, loss=2.0),
        fabricated.model("stage-1", data, 0.8, loss=0.6),
        fabricated.model("stage-2", data, 0.0, loss=0.5, text=HOSTILE),
    ]
    made = fabricated.report(data, models)
    points = {"train": [(1, 2.0), (9, 0.5)], "valid": [(9, 0.6)]}
    return msgspec.json.decode(encode(msgspec.structs.replace(made, curves={"stage-1": points})), type=Report)


def test_the_page_is_well_formed_and_holds_every_section(report: Report) -> None:
    page = document(report, verdict=decide(report, Gate()), others=[report])
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    sections = set(re.findall(r'<section id="(\w+)"', page))
    wanted = {"gate", "table", "figures", "training", "seeds", "outcomes", "confusion", "reliability"}
    assert sections == wanted | {"domains", "cwes", "worst", "binding"}
    assert page.count("<svg") > 15
    assert "prefers-color-scheme: dark" in page and "@media print" in page


def test_the_page_asks_nobody_for_anything_and_runs_nothing(report: Report) -> None:
    page = document(report)
    assert HOSTILE not in page and "&lt;script" in page
    balance = Balance()
    balance.feed(page)
    assert not balance.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert not re.search(r"(?:src|href)=\"(?!#)", page) and "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page.replace("&#x27;", "'")


def test_every_figure_of_the_table_is_on_the_page(report: Report) -> None:
    page = document(report)
    for row in report.rows:
        assert row.model.replace(" ", "<wbr> ") in page
    for metric in report.metrics:
        assert escape(metric.explanation) in page


def test_an_almost_empty_report_makes_a_page_too() -> None:
    data = fabricated.held_out(2)
    made = fabricated.report(data, [fabricated.model("base", data, 0.0, text="")])
    balance = Balance()
    balance.feed(document(made))
    assert balance.open == []


def test_the_terminal_shows_models_intervals_and_marks(report: Report) -> None:
    console = Console(width=200, record=True, file=None, force_terminal=False, quiet=False)
    with console.capture() as capture:
        console.print(table(msgspec.to_builtins(report)))
    shown = capture.get()
    assert all(name in shown for name in ("base", "stage-1", "nearest neighbour", "CWE ↑", "unparsable ↓"))
    assert "clusters of held-out examples" in shown


def test_the_command_writes_page_and_pictures(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "evaluation" / "report.json"
    file.parent.mkdir()
    file.write_bytes(encode(report))
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    words = ["report", str(tmp_path), "--to", str(tmp_path / "page.html"), "--pictures", str(tmp_path / "pictures")]
    assert command.run(parser.parse_args(words)) == 0
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == ["confusion-stage-1.png", "confusion-stage-2.png", "curves.png", "metrics.png"]
    assert (tmp_path / "pictures" / "metrics.png").read_bytes().startswith(b"\x89PNG")
    assert "How good are the specialists?" in (tmp_path / "page.html").read_text()


def test_a_report_of_losses_alone_has_no_picture_of_other_metrics(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes, styles = pytest.importorskip("matplotlib.axes").Axes, []
    plot = axes.plot
    monkeypatch.setattr(axes, "plot", lambda *given, **more: (styles.append(given[3]), plot(*given, **more))[1])
    losses = tuple(metric for metric in report.metrics if metric.name.endswith("_loss"))
    bare = msgspec.structs.replace(report, metrics=losses, details={}, curves={"stage-1": {"train": [(1, 2.0)]}})
    assert [path.name for path in draw(bare, tmp_path)] == ["curves.png"]
    assert styles[0] == "o", "a single step is seen"


@pytest.mark.parametrize("most", [0.0, 0.004, 0.37, 1.0, 2.2, 61.0, 12345.0])
def test_ticks_are_few_round_and_inside(most: float) -> None:
    made = charts.ticks(most)
    assert 1 <= len(made) <= 6 and made[0] == 0 and made[-1] <= most + 1e-9


def test_curves_are_read_from_what_training_wrote(tmp_path: Path) -> None:
    rows = [{"step": 1, "loss": 2.0}, {"step": 1, "valid": 1.9}]
    (tmp_path / "metrics.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    assert curves({"stage-1": tmp_path, "stage-2": tmp_path / "none"}) == {
        "stage-1": {"train": [(1, 2.0)], "valid": [(1, 1.9)]}
    }


def test_without_a_cwe_there_is_no_heading_over_nothing_and_models_keep_the_tables_order(report: Report) -> None:
    assert "What was taken for what" in document(report)
    bare = {model: details | {"confusion": {}} for model, details in sorted(report.details.items(), reverse=True)}
    page = document(msgspec.structs.replace(report, details=bare))
    assert "What was taken for what" not in page
    times = page[page.index("Seconds an answer") :]
    assert times.index("base") < times.index("stage-1") < times.index("stage-2")


def test_a_run_given_twice_is_no_second_seed(report: Report) -> None:
    other = msgspec.structs.replace(report, held_out=report.held_out + 1)
    assert "2 runs; each dot is one" in document(report, others=[report, other, other])
    assert "runs; each dot is one" not in document(report, others=[report, report])


def test_a_name_too_long_for_its_place_is_cut_and_whole_when_pointed_at() -> None:
    name = "a-model-with-a-very-long-<name>"
    drawn = charts.bars([charts.Bar(label=name, colour="first", value=0.5, text="50 %")], "bars")
    assert f"<title>{escape(name)}</title>" in drawn and f">{escape(name)}</text>" not in drawn
    assert "…</text>" in drawn and "nearest neighbour" in charts.bars(
        [charts.Bar(label="nearest neighbour", colour="first", value=0.5, text="50 %")], "bars"
    )


def test_a_training_of_one_step_is_seen(report: Report) -> None:
    drawn = charts.curves([charts.Line(label="training", colour="first", points=((1, 2.0),))], "c", across="", up="")
    assert "<circle" in drawn


def test_the_axis_of_a_box_plot_reaches_as_far_as_its_boxes() -> None:
    drawn = charts.boxes([charts.Box(label="a", colour="first", five=(1.0, 2.0, 3.0, 4.0, 98.0))], "times", unit="s")
    assert "100 s" in drawn
