"""CVSS base scores from their vectors: v2, v3.0 and v3.1 by FIRST's published formulas.

v4.0 has no formula but a table of 270 expert-ranked vectors; for a v4 vector the advisory's own
label is used instead, and `base_score` gives None.
"""

from __future__ import annotations

import math

_V3 = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_V3_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_V2 = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": {"N": 0.0, "P": 0.275, "C": 0.66},
    "I": {"N": 0.0, "P": 0.275, "C": 0.66},
    "A": {"N": 0.0, "P": 0.275, "C": 0.66},
}


def base_score(vector: str | None) -> float | None:
    """Compute the base score of a vector string; None when it is none, incomplete or v4."""
    if not vector:
        return None
    metrics = dict(part.split(":", 1) for part in vector.strip("() ").split("/") if ":" in part)
    version = metrics.pop("CVSS", "2.0")
    try:
        if version.startswith("3"):
            return _version_3(metrics)
        return _version_2(metrics) if version.startswith("2") else None
    except KeyError:
        return None


def _version_3(metrics: dict[str, str]) -> float:
    value = {name: weights[metrics[name]] for name, weights in _V3.items()}
    changed = metrics["S"] == "C"
    lost = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    privileges = _V3_PRIVILEGES[metrics["S"]][metrics["PR"]]
    exploitability = 8.22 * value["AV"] * value["AC"] * privileges * value["UI"]
    if impact <= 0:
        return 0.0
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def _rounded_up(score: float) -> float:
    """Round up to one decimal as CVSS 3.1's appendix A does, free of floating-point surprises."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (math.floor(whole / 10_000) + 1) / 10


def _version_2(metrics: dict[str, str]) -> float:
    value = {name: weights[metrics[name]] for name, weights in _V2.items()}
    impact = 10.41 * (1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"]))
    exploitability = 20 * value["AV"] * value["AC"] * value["Au"]
    factor = 0.0 if impact == 0 else 1.176
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * factor, 1)
