"""What a stranger loads answers like what was trained: `python -m benchmarks.loaded BASE TRAINED PART --peft PYTHON`.

BASE is the base model's folder, TRAINED the adapter training made, PART a folder of a release. PYTHON is an
interpreter with torch, transformers and peft. Each form's logits are compared with base + TRAINED; `effect` is
how far the adapter itself moves them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from pipeline.models import blas

PROMPTS = ("Explain this finding: a query is built from input.", '{"cwe": 89, "severity": "high"}')
THEIRS = """
import json, sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
base, adapter, tokens, output = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
def logits():
    with torch.no_grad():
        return [model(torch.tensor([row])).logits[0].tolist() for row in json.loads(tokens)]
plain = logits()
model = PeftModel.from_pretrained(model, adapter).eval()
json.dump({"plain": plain, "adapted": logits()}, open(output, "w"))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("base", "trained", "part"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--peft", metavar="PYTHON")
    arguments = parser.parse_args()
    blas.load()
    import numpy as np
    from mlx_lm import load as stranger

    from pipeline.models.load import load

    model, tokenizer = load(arguments.base, arguments.trained)
    rows = [tokenizer.encode(prompt) for prompt in PROMPTS]
    wanted = logits(model, rows)
    plain = logits(load(arguments.base)[0], rows)
    effect = float(np.abs(wanted - plain).max())
    found = {"mlx": logits(in_float32(stranger(str(arguments.base), adapter_path=str(arguments.part))[0]), rows)}
    if (arguments.part / "fused").is_dir():
        found["fused"] = logits(in_float32(stranger(str(arguments.part / "fused"))[0]), rows)
    if arguments.peft:
        theirs = with_peft(arguments, rows)
        found["peft"] = np.concatenate([np.array(row) for row in theirs["adapted"]])
        found["base in transformers, against the base"] = (
            np.concatenate([np.array(row) for row in theirs["plain"]]) - plain + wanted
        )
    for name, value in found.items():
        print(json.dumps({"form": name, "largest_difference": float(np.abs(value - wanted).max()), "effect": effect}))


def in_float32(model):
    import mlx.core as mx

    model.set_dtype(mx.float32)
    return model


def logits(model, rows):
    import mlx.core as mx
    import numpy as np

    return np.concatenate([np.array(model(mx.array([row]))[0].astype(mx.float32)) for row in rows])


def with_peft(arguments, rows):
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "logits.json"
        command = [arguments.peft, "-c", THEIRS, arguments.base, arguments.part / "peft", json.dumps(rows), output]
        subprocess.run([str(word) for word in command], check=True)
        return json.loads(output.read_text())


if __name__ == "__main__":
    main()
