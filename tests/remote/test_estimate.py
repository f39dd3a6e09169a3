"""An estimate grows with what costs, and what is past budget or memory is refused before it starts."""

from __future__ import annotations

import msgspec
import pytest

from config.errors import UsageError
from pipeline.remote import shipped
from pipeline.remote.estimate import SEVEN_BILLION, estimate, refuse

SAST = shipped.read("codellama-sast").recipe


def test_a_known_run_is_reckoned_as_on_paper() -> None:
    found = estimate(SAST, SEVEN_BILLION, "H200", tokens=10_000_000, hourly_price=3.0)
    assert found.seconds == pytest.approx(3 * 10e6 * 6 * 6.611e9 / (989e12 * 0.35), rel=1e-6)
    assert found.cost == pytest.approx(found.seconds / 3600 * 3.0)
    assert not found.measured


def test_a_measured_speed_replaces_the_guess() -> None:
    found = estimate(SAST, SEVEN_BILLION, "H200", tokens=1_000_000, tokens_per_second=10_000.0, hourly_price=3.6)
    assert (found.seconds, found.measured) == (300.0, True)
    assert found.cost == pytest.approx(0.3)


def test_memory_follows_quantisation_and_what_is_kept() -> None:
    def memory(**changes: object) -> float:
        return estimate(msgspec.structs.replace(SAST, **changes), SEVEN_BILLION, "H200", tokens=1).memory

    assert memory() < memory(dequantize=True) < memory(dequantize=True, gradient_checkpointing=False)
    assert memory() < memory(optimizer="adamw")
    assert 6e9 < memory() < 24e9


def test_past_the_budget_or_the_memory_is_refused() -> None:
    found = estimate(SAST, SEVEN_BILLION, "L4", tokens=100_000_000, hourly_price=1.0)
    refuse(found, "L4", 0.0)
    with pytest.raises(UsageError, match="budget"):
        refuse(found, "L4", found.cost / 2)
    whole = msgspec.structs.replace(SAST, quantization="none", gradient_checkpointing=False)
    with pytest.raises(UsageError, match="needs about"):
        refuse(estimate(whole, SEVEN_BILLION, "L4", tokens=1), "L4", 0.0)


def test_an_unknown_gpu_is_named() -> None:
    with pytest.raises(UsageError, match="no figures"):
        estimate(SAST, SEVEN_BILLION, "GTX", tokens=1)
