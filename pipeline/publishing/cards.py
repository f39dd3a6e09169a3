"""Model and data cards: every number in them is read from a report, none is written by hand."""

from __future__ import annotations

from typing import Any

import yaml


def model_card(name: str, specialist: str, base_model: str, report: dict[str, Any]) -> str:
    """Return the card of one specialist; `report` is the evaluation's report.json."""
    head = {
        "base_model": base_model,
        "library_name": "mlx",
        "pipeline_tag": "text-generation",
        "tags": ["fixsmith", "security", "lora", specialist],
    }
    return f"""---
{yaml.safe_dump(head, sort_keys=True).strip()}
---

# {name}

A LoRA adapter ({specialist}) for `{base_model}`, trained by fixsmith on the findings of one
repository's own scanners.

## Use

```
mlx_lm.generate --model {base_model} --adapter-path . --prompt "…"
```

## Measured

{results(report)}

Held-out examples, split by file, package and near-duplicate cluster. What isn't in this table wasn't measured.

## Limits

It knows the scanners, rules and code it was trained on. An answer is a proposal: apply a fix only
after the scanner, run again, confirms it.
"""


def results(report: dict[str, Any]) -> str:
    """Return the report's rows as a Markdown table."""
    rows = report.get("rows", [])
    if not rows:
        return "Nothing was measured."
    columns = list(dict.fromkeys(key for row in rows for key in row["metrics"]))
    lines = ["| model | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for row in rows:
        lines.append(
            f"| {row['model']} | " + " | ".join(_cell(row["metrics"].get(column)) for column in columns) + " |"
        )
    return "\n".join(lines)


def _cell(metric: Any) -> str:
    if metric is None:
        return "–"
    if isinstance(metric, dict):
        interval = f" [{metric['low']:.3f}, {metric['high']:.3f}]" if metric.get("low") is not None else ""
        return f"{metric['value']:.3f}{interval}" if metric.get("value") is not None else "–"
    return f"{metric:.3f}" if isinstance(metric, float) else str(metric)


def data_card(information: dict[str, Any]) -> str:
    """Return the data set's card; `information` is dataset_info.json."""
    counts = information["counts"]
    rows = [f"| {kind} | {of['train']} | {of['valid']} | {of['test']} |" for kind, of in counts.items()]
    audit = information["leak_audit"]
    configurations = [
        {
            "config_name": kind,
            "data_files": [
                {"split": split, "path": f"{kind}/{part}.jsonl"} for split, part in SPLITS if counts[kind][part]
            ],
        }
        for kind in counts
    ]
    head = {"configs": configurations, "tags": ["fixsmith", "security"]}
    return f"""---
{yaml.safe_dump(head, sort_keys=True).strip()}
---

# Security findings and their fixes

| kind | train | validation | test |
|---|---|---|---|
{chr(10).join(rows)}

Split by file, package or page and near-duplicate cluster: {audit["clusters"]} clusters. Held-out examples with a near
relative in train: {audit["shared"]:.1%}; were the split random: {audit["shared_if_random"]:.1%}.
"""


SPLITS = (("train", "train"), ("validation", "valid"), ("test", "test"))
