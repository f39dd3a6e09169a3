"""Regression tasks: a folder of lm-evaluation-harness YAML files, answered before and after training.

A child process: `python -m pipeline.evaluation.regression`, the plan on standard input. It runs in the
tasks' folder, so that `data_files` may be named beside them, and asks nothing of any network.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from config.errors import Error, InputRefused, UsageError
from pipeline.evaluation.measurement import Contestant

Scores = dict[str, dict[str, dict[str, float]]]
"""By contestant, task and metric; `metric_stderr` beside each where the task has one."""
EXTRA = "Install it: pip install 'fixsmith[regression]'."
_LONGEST = 2048


class Asked(msgspec.Struct, frozen=True):
    """What the child is told: base model, contestants, and names of the tasks in its working folder."""

    base: str
    contestants: tuple[Contestant, ...]
    tasks: tuple[str, ...]


def measure(base: Path, contestants: tuple[Contestant, ...], folder: Path) -> Scores:
    """Return every contestant's scores in the tasks of `folder`; raises UsageError without lm-eval, InputRefused."""
    asked = Asked(str(base), contestants, names(folder))
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    code = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, "-m", __name__], cwd=folder, input=msgspec.json.encode(asked), capture_output=True,
        check=False, env=os.environ | offline | {"PYTHONPATH": path},
    )  # fmt: skip
    if done.returncode == UsageError.exit_code:
        raise UsageError("lm-eval isn't installed.", EXTRA)
    if done.returncode:
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1][:300]
        raise Error(f"The regression tasks in {folder} failed: {last}", "Try them with `lm_eval --include_path`.")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Scores)


def names(folder: Path) -> tuple[str, ...]:
    """Return the tasks of a folder's YAML files; raises InputRefused when there are none."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            told = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputRefused(f"{path} is no lm-eval task.", "Correct it, or move it away.") from error
        if isinstance(told, Mapping) and isinstance(told.get("task"), str):
            found.append(told["task"])
    if not found:
        raise InputRefused(f"{folder} holds no lm-eval task.", "Put YAML files with `task:` there.")
    return tuple(found)


def main() -> int:
    """Answer the tasks with every contestant; the scores are the last line of output."""
    try:
        import lm_eval
        from lm_eval.tasks import TaskManager
    except ImportError:
        return UsageError.exit_code
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    tasks = TaskManager(include_path=str(Path.cwd()), include_defaults=False)
    scores: Scores = {}
    for one in asked.contestants:
        model = _model(Path(one.base or asked.base), Path(one.adapter) if one.adapter else None)
        found: Any = lm_eval.simple_evaluate(
            model=model, tasks=list(asked.tasks), task_manager=tasks, bootstrap_iters=1000, log_samples=False
        )
        scores[one.name] = {task: _plain(values) for task, values in found["results"].items()}
    sys.stdout.write(msgspec.json.encode(scores).decode() + "\n")
    return 0


def _plain(values: Mapping[str, Any]) -> dict[str, float]:
    """Return lm-eval's figures by their own names, without the filter behind the comma."""
    return {
        name.partition(",")[0]: float(value)
        for name, value in values.items()
        if "," in name and isinstance(value, int | float)
    }


def _model(base: Path, adapter: Path | None) -> Any:
    """Return mlx-lm's own bridge to lm-eval over a model as it is measured here."""
    from lm_eval.api.model import LM
    from mlx_lm.evaluate import MLXLM

    from pipeline.models.load import load

    model, tokenizer = load(base, adapter)
    bridge = MLXLM.__new__(MLXLM)
    LM.__init__(bridge)
    bridge._model, bridge.tokenizer = model, getattr(tokenizer, "inner", tokenizer)
    bridge._max_tokens, bridge._batch_size = _LONGEST, 8
    bridge.use_chat_template, bridge._sampler = False, None
    return bridge


if __name__ == "__main__":
    sys.exit(main())
