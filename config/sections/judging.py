"""Measuring specialists, and when one replaces the other."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.section import Section


class Evaluation(Section):
    """Measuring the specialists."""

    max_answers: Annotated[int, Meta(ge=1, description="Held-out examples answered in full.")] = 200
    answer_tokens: Annotated[int, Meta(ge=16, description="Longest answer, in tokens.")] = 64
    answer_seconds: Annotated[float, Meta(gt=0.0, description="Longest time for one answer, in seconds.")] = 120.0
    batch: Annotated[int, Meta(ge=1, le=256, description="Answers written at a time.")] = 8
    max_explanations: Annotated[
        int, Meta(ge=0, description="Of these, explanations written to their end and checked for made-up names.")
    ] = 8
    explanation_tokens: Annotated[int, Meta(ge=16, description="Longest explanation, in tokens.")] = 320
    max_fixes: Annotated[int, Meta(ge=0, description="Held-out fixes proposed by every model.")] = 16
    fix_tokens: Annotated[int, Meta(ge=16, description="Longest fix, in tokens.")] = 256
    samples: Annotated[
        int, Meta(ge=0, le=100, description="Sampled answers besides the greedy one, each with a seed of its own.")
    ] = 0
    regression_tasks: Annotated[
        str,
        Meta(
            description="Folder of lm-evaluation-harness YAML tasks, answered by the base and every specialist; needs "
            "`fixsmith[regression]`. Empty: none."
        ),
    ] = ""
    temperature: Annotated[float, Meta(gt=0.0, le=2.0, description="Temperature of the sampled answers.")] = 0.8


class Gate(Section):
    """When a new model replaces the published one."""

    champion: Annotated[
        str, Meta(description="Folder of a release to beat; empty: the workspace's champion, the first time the base.")
    ] = ""
    analysis_metric: Annotated[
        Literal["cwe", "cwe_related", "severity", "verdict", "verdict_f1", "pairs", "analysis_loss"],
        Meta(description="What the analysis specialist must be better at."),
    ] = "cwe"
    codefix_metric: Annotated[
        Literal["fix_verified", "fix_exact", "codefix_loss"],
        Meta(description="What the code-fix specialist must be better at."),
    ] = "codefix_loss"
    forgetting_budget: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Most that stage 2 may lose of stage 1's figure.")
    ] = 0.05
    max_false_positives: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Largest share of safe code called vulnerable; 1 needs no figure.")
    ] = 0.3
    max_unparsable: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Largest share of answers that can't be read; 1 needs no figure.")
    ] = 0.05
    max_unfaithful: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Largest share of explanations with made-up names; 1 needs no figure.")
    ] = 0.2
    max_exposure: Annotated[float, Meta(ge=0.0, description="Largest exposure of a planted canary, in bits.")] = 4.0
    min_fused: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Least share of the adapter's effect that fusing must keep.")
    ] = 0.9
