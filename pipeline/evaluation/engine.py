"""The model at work, in the child process only: losses and batched answers, adapters swapped on one base."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_unflatten
from mlx_lm.generate import BatchGenerator
from mlx_lm.tuner.utils import remove_lora_layers

from config.errors import Error
from pipeline.evaluation.measurement import Answer, Ending, Loss, Question, question_id
from pipeline.evaluation.opening import VERDICTS, hopeless, object_end
from pipeline.models import chat
from pipeline.models.load import add, load
from pipeline.records import Example, Message
from pipeline.stage import digest_file
from pipeline.training.examples import encode

HOPELESS_TOKENS = 24
FUSING_EXAMPLES = 4
_CWE_KEY, _VERDICT_KEY = '"cwe":"', '"verdict":"'


class Engine:
    """One base model in memory, wearing one adapter at a time; knows which files it read."""

    def __init__(self, base: Path, quantization: str = "none") -> None:
        self.model, self.tokenizer = load(base, quantization=quantization)
        self.base_files = _digests(base)
        self.adapter_files: dict[str, str] = {}
        self._verdicts = self._first_tokens(VERDICTS)

    def wear(self, adapter: Path | None) -> None:
        """Take the adapter off and put another one on; None leaves the base untouched."""
        self.adapter_files = {}
        remove_lora_layers(self.model)
        if adapter is not None:
            add(self.model, adapter)
            self.adapter_files = _digests(adapter)
        self.model.eval()

    def loss(self, model: str, kind: str, examples: Sequence[Example]) -> Iterator[Loss]:
        """Yield each example's loss on its answer: the same tokens that training scores."""
        for example in examples:
            losses = self._losses(example)
            total = math.fsum(losses)
            if not math.isfinite(total):
                raise Error(
                    f"{model}: the loss on example {question_id(example)} isn't a number.",
                    "The model is broken: train again from an earlier checkpoint.",
                )
            yield Loss(question=question_id(example), model=model, kind=kind, total=total, tokens=len(losses))

    def fused(self, examples: Sequence[Example]) -> float | None:
        """Return the share of the adapter's effect on the loss that is left once it is fused into the base.

        1 is all of it. A quantised base is fused as `training.mlx.fuse` does it, dequantised: quantised again it
        could lose nearly everything. None without an effect.
        """
        layers = [(name, layer) for name, layer in self.model.named_modules() if hasattr(layer, "lora_b")]
        few = examples[:FUSING_EXAMPLES]
        if not layers or not few:
            return None
        worn = sum(math.fsum(self._losses(example)) for example in few)
        self.model.update_modules(tree_unflatten([(name, layer.fuse(dequantize=True)) for name, layer in layers]))
        fused = sum(math.fsum(self._losses(example)) for example in few)
        self.model.update_modules(tree_unflatten([(name, layer.linear) for name, layer in layers]))
        bare = sum(math.fsum(self._losses(example)) for example in few)
        self.model.update_modules(tree_unflatten(layers))
        return None if abs(bare - worn) < 1e-6 else 1 - abs(fused - worn) / abs(bare - worn)

    def answers(
        self,
        model: str,
        questions: Sequence[Question],
        seconds: float,
        batch: int,
        seed: int | None = None,
        temperature: float = 0.0,
    ) -> Iterator[Answer]:
        """Yield answers as they end, `batch` written at a time; with a seed they are sampled."""
        generator = BatchGenerator(
            self.model,
            stop_tokens=[[token] for token in self.tokenizer.eos_token_ids],
            completion_batch_size=batch,
            prefill_batch_size=batch,
        )
        prompts = [self.prompt(question.example) for question in questions]
        order = sorted(range(len(questions)), key=lambda index: len(prompts[index]))
        names = generator.insert(
            [prompts[i] for i in order],
            [questions[i].tokens for i in order],
            samplers=[None if seed is None else _sampler(seed, questions[i].id, temperature) for i in order],
        )
        writers = {
            name: _Writer(self, model, questions[i], len(prompts[i]), seed)
            for name, i in zip(names, order, strict=True)
        }
        try:
            yield from _drain(generator, writers, seconds)
        finally:
            generator.close()

    def prompt(self, example: Example) -> list[int]:
        """Return the tokens of an example's question, up to where the answer begins."""
        return chat.tokens(self.tokenizer, _turns(example.messages[:-1]), ask=True)

    def _losses(self, example: Example) -> list[float]:
        """Return the loss of every answer token, by the model's own forward pass: training's isn't used."""
        encoded = encode(question_id(example), _turns(example.messages), self.tokenizer)
        row, scored = mx.array([encoded.tokens]), [at for at, answer in enumerate(encoded.answer) if answer]
        places = mx.array(scored)
        logits = self.model(row[:, :-1])[0, places - 1].astype(mx.float32)
        chosen = mx.take_along_axis(logits, row[0, places, None], axis=-1).squeeze(-1)
        losses = [float(value) for value in mx.logsumexp(logits, axis=-1) - chosen]
        mx.clear_cache()
        return losses

    def _first_tokens(self, words: Sequence[str]) -> list[int]:
        """Return the tokens words begin with inside a JSON string."""
        prefix = self.tokenizer.encode(_VERDICT_KEY, add_special_tokens=False)
        firsts = []
        for word in words:
            tokens = self.tokenizer.encode(_VERDICT_KEY + word, add_special_tokens=False)
            firsts.append(tokens[len(prefix)] if len(tokens) > len(prefix) else tokens[-1])
        return firsts


class _Writer:
    """One answer while it is written: its tokens, why it stops, what the model was sure of."""

    def __init__(self, engine: Engine, model: str, question: Question, prompt_tokens: int, seed: int | None) -> None:
        self.engine, self.model, self.question, self.seed = engine, model, question, seed
        self.prompt_tokens, self.started = prompt_tokens, time.monotonic()
        self.tokens: list[int] = []
        self.text = ""
        self.logprob = 0.0
        self.cwe: float | None = None
        self.vulnerable: float | None = None

    def add(self, token: int, logprobs: Any, ended: str | None) -> Ending | None:
        """Take one more token; return why the answer is finished, or None to go on."""
        probability = float(logprobs[token].item())
        if math.isnan(probability):
            raise Error(
                f"{self.model}: the output for example {self.question.id} isn't a number.",
                "The model is broken: train again from an earlier checkpoint.",
            )
        self.logprob += probability
        self._note(logprobs, probability)
        if ended == "stop":
            return "end"
        self.tokens.append(token)
        self.text = self.engine.tokenizer.decode(self.tokens)
        if self.question.kind == "analysis" and not self.question.whole:
            if object_end(self.text) is not None:
                return "object"
            if len(self.tokens) >= HOPELESS_TOKENS and hopeless(self.text):
                return "form"
        return "length" if ended == "length" else None

    def _note(self, logprobs: Any, probability: float) -> None:
        """Keep how sure the model is: of the CWE while it writes it, of the verdict as it begins it."""
        if self.text.endswith(_VERDICT_KEY) and self.vulnerable is None:
            vulnerable, safe = (float(logprobs[token].item()) for token in self.engine._verdicts)
            self.vulnerable = 1 / (1 + math.exp(max(-700.0, min(700.0, safe - vulnerable))))
        _, found, value = self.text.partition(_CWE_KEY)
        if found and '"' not in value:
            self.cwe = (1.0 if self.cwe is None else self.cwe) * math.exp(probability)

    def answer(self, ending: Ending) -> Answer:
        """Return the finished answer."""
        return Answer(
            question=self.question.id,
            model=self.model,
            text=self.text,
            ending=ending,
            tokens=len(self.tokens),
            prompt_tokens=self.prompt_tokens,
            seconds=round(time.monotonic() - self.started, 3),
            logprob=round(self.logprob, 4),
            seed=self.seed,
            cwe=self.cwe,
            vulnerable=self.vulnerable,
        )


def _sampler(seed: int, question: str, temperature: float) -> Callable[[Any], Any]:
    """Return a sampler that draws the same for a question whatever else is in the batch."""
    keys = _keys(mx.random.key((seed << 32) ^ int(question[:8], 16)))
    return lambda logprobs: mx.random.categorical(logprobs / temperature, key=next(keys))


def _keys(key: Any) -> Iterator[Any]:
    while True:
        key, drawn = mx.random.split(key)
        yield drawn


def _drain(generator: Any, writers: dict[int, _Writer], seconds: float) -> Iterator[Answer]:
    """Run the generator dry; an answer's clock starts with its first token."""
    started: set[int] = set()
    while writers:
        for response in generator.next_generated():
            writer = writers.get(response.uid)
            if writer is None:
                continue
            if response.uid not in started:
                started.add(response.uid)
                writer.started = time.monotonic()
            ending = writer.add(response.token, response.logprobs, response.finish_reason)
            if ending is None and time.monotonic() - writer.started > seconds:
                ending = "time"
            if ending is not None:
                if response.finish_reason is None:
                    generator.remove([response.uid])
                yield writers.pop(response.uid).answer(ending)


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: digest_file(path) for path in sorted(folder.iterdir()) if path.is_file()}
