"""The energy of a training: read from the machine's counters or not at all, kept across kills, said on the card."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from pipeline.publishing.cards import About, apart_card
from pipeline.training import energy
from pipeline.training.backend import TrainingCancelled
from pipeline.training.mlx.training import train


def zone(powercap: Path, name: str, called: str, microjoules: int) -> Path:
    """Lay out one of RAPL's zones as Linux shows it."""
    folder = powercap / name
    folder.mkdir(parents=True)
    for file, value in (("name", called), ("max_energy_range_uj", 10_000_000), ("energy_uj", microjoules)):
        (folder / file).write_text(f"{value}\n")
    return folder / "energy_uj"


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy.platform, "system", lambda: "Linux")


def test_packages_and_memory_count_once_and_a_counter_that_comes_round_goes_on(tmp_path: Path, linux: None) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 9_000_000)
    other = zone(tmp_path, "intel-rapl:1", "package-1", 0)
    cores = zone(tmp_path, "intel-rapl:0:0", "core", 0)
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 0)
    whole = zone(tmp_path, "intel-rapl:2", "psys", 0)
    meter = energy.meter(tmp_path)
    assert meter is not None and meter.joules() == 0.0
    for file, value in ((package, 1_000_000), (other, 3_000_000), (cores, 9), (memory, 500_000), (whole, 99)):
        file.write_text(f"{value}\n")
    assert meter.joules() == pytest.approx(2.0 + 3.0 + 0.5)
    package.write_text("1500000\n")
    assert meter.joules() == pytest.approx(6.0)


def test_without_a_counter_that_may_be_read_nothing_is_measured(tmp_path: Path, linux: None) -> None:
    assert energy.meter(tmp_path / "none") is None
    zone(tmp_path, "intel-rapl:0", "package-0", 1).write_text("")
    assert energy.meter(tmp_path) is None


def test_apple_silicon_counts_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    now = SimpleNamespace(cpu_total_mj=1000, gpu_mj=500, dram_mj=None, ane_mj=0)
    module = ModuleType("zeus_apple_silicon")
    module.AppleEnergyMonitor = lambda: SimpleNamespace(get_cumulative_energy=lambda: now)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", module)
    monkeypatch.setattr(energy.platform, "system", lambda: "Darwin")
    meter = energy.meter()
    assert meter is not None
    now.cpu_total_mj, now.gpu_mj = 3000, 1500
    assert meter.joules() == pytest.approx(3.0)
    now.cpu_total_mj = None
    assert energy.meter() is None


class Each:
    """A meter that counts a joule each time it is asked."""

    name = "a counter"

    def __init__(self) -> None:
        self.asked = 0

    def joules(self) -> float:
        self.asked += 1
        return float(self.asked)


def test_a_training_that_goes_on_counts_on_and_a_part_without_a_meter_leaves_the_whole_unknown(
    job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energy, "meter", Each)
    whole = train(job("whole"), lambda _: None, lambda: False)
    assert (whole.joules, whole.energy_from) == (whole.steps + 1, "a counter")
    for name, later in (("on", Each), ("off", lambda: None)):
        monkeypatch.setattr(energy, "meter", Each)
        cut, steps = job(name), iter([False, True])
        with pytest.raises(TrainingCancelled):
            train(cut, lambda _: None, lambda steps=steps: next(steps))
        monkeypatch.setattr(energy, "meter", later)
        result = train(cut, lambda _: None, lambda: False)
        assert result.joules == (whole.steps + 1 if name == "on" else None)


def test_the_card_says_energy_and_meter_or_that_it_was_not_measured() -> None:
    about = About(
        name="x", specialist="analysis", base_model="embedded", licence="", repository=None, data=None,
        counts={"joules": 9000.0, "energy_from": "a counter"}, seconds=60.0, forms=(),
    )  # fmt: skip
    assert "It took 2.5 Wh (a counter)" in apart_card(about)
    import msgspec

    assert "Energy was not measured." in apart_card(msgspec.structs.replace(about, counts={}))
