"""Model and data cards: every number in them is read from a report, none is written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

MEASURED_AS = {"analysis": "stage-1", "codefix": "stage-2", "single": "single"}
SPLITS = (("train", "train"), ("validation", "valid"), ("test", "test"))
PUBLISHED_NAMES = {"embedded": "HuggingFaceTB/SmolLM2-135M-Instruct"}
WHAT = {
    "analysis": "explains a finding: weakness, severity, verdict and lines as JSON, then why and what to change",
    "codefix": "proposes the lines that replace the flagged ones",
    "single": "explains findings and proposes fixes",
}
DO = {"analysis": "Explaining", "codefix": "Proposing fixes for", "single": "Explaining, and proposing fixes for,"}


class About(msgspec.Struct, frozen=True):
    """What a model card says beside the report. `repository` and `data` are None where there are none."""

    name: str
    specialist: str
    base_model: str
    licence: str
    repository: str | None
    data: str | None
    counts: Mapping[str, Any]
    seconds: float
    forms: tuple[str, ...]


def hub_name(base_model: str) -> str | None:
    """Return the base model's name on the Hub; None for a folder of this machine."""
    name = PUBLISHED_NAMES.get(base_model, base_model)
    return name if name.count("/") == 1 and not name.startswith((".", "/", "~")) else None


def model_card(about: About, report: Mapping[str, Any]) -> str:
    """Return the card of one specialist; `report` is the evaluation's report.json."""
    base = hub_name(about.base_model) or "a model of the trainer's own"
    return f"""---
{_model_head(about, report)}
---

# {about.name}

A LoRA adapter for `{base}`, trained by fixsmith on one repository's own scanner findings. It {WHAT[about.specialist]}.

## Use

{_use(about, base)}

## Measured

{results(report)}

Held-out examples, split by file, package and near-duplicate cluster; brackets are 95 % intervals. `base` is the
untouched base model. What isn't in this table wasn't measured.

## Training

{_training(about)}

## Intended use, and limits

{DO[about.specialist]} findings of the same repository's scanners, for people who review every answer.
It knows the scanners, rules and code it was trained on and nothing else. An answer is a proposal: apply a fix only
after the scanner, run again, confirms it. It finds no weaknesses by itself.

## Where it comes from

`exp_config.json` holds settings, seeds, library versions and the SHA-256 of every input and output, from the findings
to this card; `bom.cdx.json` is the bill of materials. `fixsmith models verify .` checks them without network.
"""


def apart_card(about: About) -> str:
    """Return the card of a model that was trained from a data set alone: it says that nothing was measured."""
    base = hub_name(about.base_model) or "a model of the trainer's own"
    return f"""---
{_model_head(about, {})}
---

# {about.name}

A LoRA adapter for `{base}`, trained by fixsmith from a data set of its owner's choice. Nothing measured whether it is
better than the model it stands on.

## Use

{_use(about, base)}

## Training

{_training(about)}

## Where it comes from

`exp_config.json` holds settings, seeds, library versions and the SHA-256 of the data and of every file here;
`bom.cdx.json` is the bill of materials. `fixsmith models verify .` checks them without network.
"""


def _model_head(about: About, report: Mapping[str, Any]) -> str:
    from huggingface_hub import ModelCardData

    found = _eval_results(about, report)
    head = ModelCardData(
        base_model=hub_name(about.base_model),
        datasets=[about.data] if about.data else None,
        eval_results=found or None,
        model_name=about.name if found else None,
        language="en",
        library_name="mlx",
        license=about.licence or "other",
        pipeline_tag="text-generation",
        tags=["fixsmith", "security", "lora", "mlx", "base_model:adapter:" + (hub_name(about.base_model) or "local")],
    )
    return str(head.to_yaml()).strip()


def _eval_results(about: About, report: Mapping[str, Any]) -> list[Any]:
    """Return the specialist's own row as the Hub's model-index has it."""
    from huggingface_hub import EvalResult

    row = next((one for one in report.get("rows", ()) if one["model"] == MEASURED_AS[about.specialist]), None)
    labels = {metric["name"]: metric.get("label", metric["name"]) for metric in report.get("metrics", ())}
    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=about.data or "fixsmith",
            dataset_name="held-out findings of the repository",
            dataset_split="test",
            metric_type=name,
            metric_name=labels.get(name, name),
            metric_value=round(metric["value"], 4),
        )
        for name, metric in (row["metrics"].items() if row else ())
        if metric.get("value") is not None
    ]


def _use(about: About, base: str) -> str:
    where = about.repository or "FOLDER"
    text = f"""```
hf download {where} --local-dir adapter
mlx_lm.generate --model {base} --adapter-path adapter --prompt "…"
```"""
    if "peft" in about.forms:
        text += f"""

With transformers and peft:

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("{base}")
model = PeftModel.from_pretrained(model, "{where}", subfolder="peft")
```"""
    if "gguf" in about.forms:
        text += f"""

With llama.cpp, base and adapter in one file:

```
hf download {where} gguf/model.gguf --local-dir .
llama-cli --model gguf/model.gguf --prompt "…"
```"""
    return text


def _training(about: About) -> str:
    counts = about.counts
    figures = [f"{counts[name]} {label}" for name, label in (("examples_seen", "examples seen"), ("steps", "steps"))
               if counts.get(name) is not None]  # fmt: skip
    for name, label in (("train_loss", "training loss"), ("valid_loss", "validation loss")):
        first, last = counts.get(f"{name}_first"), counts.get(f"{name}_last", counts.get(f"{name}_best"))
        if first is not None and last is not None:
            figures.append(f"{label} {first:.3f} to {last:.3f}")
    return f"""{", ".join(figures) or "Nothing was recorded"}.
Training took {about.seconds:.0f} s on the trainer's machine. {_energy(counts)}"""


def _energy(counts: Mapping[str, Any]) -> str:
    joules = counts.get("joules")
    if joules is None:
        return "Energy was not measured."
    return f"It took {joules / 3600:.3g} Wh ({counts['energy_from']}), whatever else ran there included."


def results(report: Mapping[str, Any]) -> str:
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


def data_card(
    information: Mapping[str, Any], counts: Mapping[str, Mapping[str, int]], *, licence: str, repository: str | None,
    code: bool,
) -> str:  # fmt: skip
    """Return the data set's card; `information` is dataset_info.json, `counts` the examples kind → part → number."""
    from huggingface_hub import DatasetCardData

    configurations = [
        {
            "config_name": kind,
            "data_files": [{"split": split, "path": f"{kind}/{part}.jsonl"} for split, part in SPLITS if of.get(part)],
        }
        for kind, of in counts.items()
        if any(of.values())
    ]
    head = DatasetCardData(
        configs=configurations,
        language="en",
        license=licence or "other",
        task_categories=["text-generation"],
        tags=["fixsmith", "security"],
        pretty_name="Security findings and their fixes",
    )
    rows = [f"| {kind} | {' | '.join(str(of.get(part, 0)) for _, part in SPLITS)} |" for kind, of in counts.items()]
    audit = information["leak_audit"]
    first = configurations[0]["config_name"] if configurations else "analysis"
    return f"""---
{str(head.to_yaml()).strip()}
---

# Security findings and their fixes

Conversations made by fixsmith from one repository's scanner findings and the fixes that a scanner confirmed.

```python
from datasets import load_dataset

data = load_dataset("{repository or "FOLDER"}", "{first}")
```

| kind | train | validation | test |
|---|---|---|---|
{chr(10).join(rows)}

Split by file, package or page and near-duplicate cluster: {audit["clusters"]} clusters. Held-out examples with a near
relative in train: {audit["shared"]:.1%}; were the split random: {audit["shared_if_random"]:.1%}.

## What is in it

{_content(code)} Secrets were replaced by `[redacted:…]` before anything was stored, and looked for again before
publishing. Weaknesses named here may still be open in the repository: think about who can read this.

## Where it comes from

Scanner reports, the repository's own code and history, CWE entries and advisories named in the findings.
`exp_config.json` holds the SHA-256 of every input and output; `fixsmith models verify .` checks them.
"""


def _content(code: bool) -> str:
    return "Findings, code excerpts, passages and fixes." if code else "Findings and explanations; code was left out."
