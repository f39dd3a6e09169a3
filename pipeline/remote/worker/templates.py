"""The conversation as text: the model's own template, or CodeLlama's `[INST]` for variants without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from config.errors import InputRefused
from pipeline.models.turns import INST, MARKS, Turns
from pipeline.remote.contract import Base


def tokenizer(base: Base, template: Literal["model", "inst"]) -> Any:
    """Return the base model's tokenizer, with the template the recipe names."""
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(base.model, **revision(base), trust_remote_code=False)
    if template == "inst":
        loaded.chat_template = INST
    return Turns(loaded, MARKS if template == "inst" else ())


def revision(base: Base) -> dict[str, Any]:
    """Return the arguments that pin a Hub model, or keep a folder from being looked up."""
    if Path(base.model).exists():
        return {"local_files_only": True}
    if not base.revision:
        raise InputRefused(
            f"{base.model} is no folder here.", "Name its commit as `revision` to fetch it from the Hub."
        )
    return {"revision": base.revision}
