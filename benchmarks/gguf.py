"""Does llama.cpp say of a GGUF file what mlx-lm says of the model it was made from?

    python -m benchmarks.gguf MODEL FILE --llama PYTHON [--tokens 24]

MODEL is the fused model's folder, PYTHON an interpreter with `xllamacpp` in it. Texts are split into tokens by both,
and questions answered by both, greedily; the probabilities of the first answer token are compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

from pipeline.models import blas

TEXTS = (
    "Explain this finding: a query is built from input.",
    "def lookup(name):\n\treturn subprocess.run(f'ls {name}', shell=True)  # 12345 CVE-2024-1234\r\n\r\n",
    'resource "aws_s3_bucket" "b" {\n  acl = "public-read"\n}\n\n\nIt\'s WE\'LL  naïve — 漢字 🙂 ',
    "   leading, trailing   ", "<|im_start|>user\nx<|im_end|>\n", "3.14159 1000000 a1b22c333",
)  # fmt: skip
LLAMA = """
import json, sys, urllib.request, xllamacpp
asked = json.load(sys.stdin)
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.warmup = asked["file"], 1024, False
server = xllamacpp.Server(params)
def post(path, body):
    request = urllib.request.Request(server.listening_address + path, json.dumps(body).encode())
    return json.load(urllib.request.urlopen(request))
how = {"add_special": False, "parse_special": True}
split = [post("/tokenize", {"content": text} | how)["tokens"] for text in asked["texts"]]
said = []
for prompt in asked["prompts"]:
    body = {"prompt": prompt, "n_predict": asked["tokens"], "temperature": 0.0, "n_probs": 5, "return_tokens": True}
    answer = post("/completion", body)
    told = (answer.get("completion_probabilities") or [{}])[0]  # none of a token that is half a letter
    first = told["top_logprobs"] if told.get("id") == answer["tokens"][0] else []
    said.append({"tokens": answer["tokens"], "first": {one["id"]: one["logprob"] for one in first}})
print("@" + json.dumps({"split": split, "said": said}), flush=True)
"""


def main() -> None:
    arguments = parse()
    blas.load()
    import mlx.core as mx
    from mlx_lm.generate import generate_step

    from pipeline.models.load import load

    model, tokenizer = load(arguments.model)
    prompts = [tokenizer.encode(text, add_special_tokens=False) for text in TEXTS]
    asked = {"file": str(arguments.file), "texts": TEXTS, "prompts": prompts, "tokens": arguments.tokens}
    done = subprocess.run(
        [arguments.llama, "-c", LLAMA], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    theirs = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("@"))[1:])
    split = sum(one == other for one, other in zip(prompts, theirs["split"], strict=True))
    same, moved = 0, 0.0
    for prompt, said in zip(prompts, theirs["said"], strict=True):
        logits = model(mx.array([prompt]))[0, -1].astype(mx.float32)
        logprobs = logits - mx.logsumexp(logits)
        moved = max([moved, *(abs(logprobs[int(name)].item() - value) for name, value in said["first"].items())])
        ours: list[int] = []
        for token, _ in generate_step(mx.array(prompt), model, max_tokens=arguments.tokens):
            if int(token) in tokenizer.eos_token_ids:
                break
            ours.append(int(token))
        same += ours == said["tokens"][: len(ours)]
    print(f"of {len(TEXTS)} texts {split} split alike, {same} answered alike; first logprobs within {moved:.1e}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--llama", required=True)
    parser.add_argument("--tokens", type=int, default=24)
    return parser.parse_args()


if __name__ == "__main__":
    main()
