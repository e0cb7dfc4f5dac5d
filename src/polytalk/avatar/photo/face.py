"""A face of a photograph as data: sheets of triangles over two textures, each vertex with a displacement a term.

Saved as `face.json`, `mesh.npz` (no pickle), `portrait.jpg` and `parts.png`; docs/avatars.md is the format's manual.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image

from polytalk.avatar.bundle import Motion
from polytalk.avatar.terms import Factor, Term, parse_term
from polytalk.errors import BadInput

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
STEP = 32
"""Displacements are stored as int16 in 1/32 pixel."""
FACTORS = 3
"""Of a term: lips that seal whatever jaw and rounding do need a product of three."""
_QUALITY = 88


class Sheet(NamedTuple):
    """V vertices and T triangles, painted after the sheets before it."""

    name: str
    texture: Literal["portrait", "parts"]
    vertices: Floats
    """[V, 2] pixels of the portrait, with no parameter set."""
    uv: Floats
    """[V, 2] pixels of the texture."""
    alpha: Floats
    """[V] in 0..1."""
    head: Floats
    """[V, 2]: the share of the head's motion, and how far it stands out of the plane of the ears, pixels."""
    triangles: NDArray[np.uint16]
    """[T, 3]."""
    deltas: dict[str, Floats]
    """By term, [V, 2] pixels."""
    opacity: dict[str, float]
    """Opacity is the clamped sum of value * number; "" is the constant term."""


class Turn(Struct, frozen=True):
    """What the head does at a parameter of 1."""

    shift: tuple[float, float]
    """Pixels, for a share of 1."""
    parallax: tuple[float, float]
    """Pixels for each pixel of depth."""
    roll: float
    """Degrees, clockwise."""
    pivot: tuple[float, float]


class PhotoFace(NamedTuple):
    """All that is needed to draw it."""

    portrait: Picture
    """[S, S, 3] RGB."""
    parts: Picture
    """[h, w, 4] RGBA: teeth, tongue, cavity, lids."""
    sheets: tuple[Sheet, ...]
    turn: Turn
    motion: Motion
    jaw_box: tuple[int, int, int, int]
    """left, top, right, bottom: mouth terms change nothing outside of it."""
    eye_boxes: tuple[tuple[int, int, int, int], ...]
    """What `blink` changes."""
    lips: NDArray[np.uint16]
    """[4, L] vertices of the sheet "mouth": outer and inner edge of the upper lip, inner and outer of the lower."""
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """S."""
        return int(self.portrait.shape[0])

    def sheet(self, name: str) -> Sheet:
        """By its name; raises KeyError."""
        return next(one for one in self.sheets if one.name == name)

    def save(self, folder: Path) -> None:
        """Write the four files into an existing folder."""
        index = _Index(
            format="polytalk-photo/1",
            size=self.size,
            step=STEP,
            turn=self.turn,
            motion=self.motion,
            jaw_box=self.jaw_box,
            eye_boxes=list(self.eye_boxes),
            sheets=[_Entry(one.name, one.texture, sorted(one.deltas), one.opacity) for one in self.sheets],
            warnings=list(self.warnings),
        )
        arrays: dict[str, NDArray[np.generic]] = {"lips": self.lips}
        for sheet in self.sheets:
            arrays[f"{sheet.name}.vertices"] = _pack(sheet.vertices)
            arrays[f"{sheet.name}.uv"] = _pack(sheet.uv)
            arrays[f"{sheet.name}.alpha"] = np.rint(sheet.alpha * 255).astype(np.uint8)
            arrays[f"{sheet.name}.head"] = sheet.head.astype(np.float16)
            arrays[f"{sheet.name}.triangles"] = sheet.triangles
            if sheet.deltas:
                arrays[f"{sheet.name}.deltas"] = np.stack([_pack(sheet.deltas[term]) for term in sorted(sheet.deltas)])
        (folder / "face.json").write_bytes(msgspec.json.encode(index))
        with (folder / "mesh.npz").open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        Image.fromarray(self.portrait).save(folder / "portrait.jpg", quality=_QUALITY, subsampling=0)
        Image.fromarray(self.parts).save(folder / "parts.png", optimize=True)

    @classmethod
    def load(cls, folder: Path) -> "PhotoFace":
        """Read what `save` wrote. Raises BadInput that names the file at fault."""
        try:
            index = msgspec.json.decode((folder / "face.json").read_bytes(), type=_Index)
            with np.load(folder / "mesh.npz", allow_pickle=False) as file:
                arrays = dict(file)
            portrait = np.asarray(Image.open(folder / "portrait.jpg").convert("RGB"))
            parts = np.asarray(Image.open(folder / "parts.png").convert("RGBA"))
            sheets = tuple(_unpack(entry, arrays, index.step) for entry in index.sheets)
            lips = arrays["lips"]
        except (OSError, ValueError, KeyError, EOFError, msgspec.DecodeError) as error:
            raise BadInput(
                f"the face in {folder.name} can't be read ({error}); make the avatar again", code="bundle_invalid"
            ) from None
        return cls(
            portrait,
            parts,
            sheets,
            index.turn,
            index.motion,
            index.jaw_box,
            tuple(index.eye_boxes),
            lips,
            tuple(index.warnings),
        )


def term_of(text: str) -> Term:
    """A term of up to three factors; "" is the constant 1."""
    factors: list[Factor] = []
    for part in filter(None, text.split("*")):
        factors += parse_term(part).factors
    if len(factors) > FACTORS:
        raise BadInput(f"term {text!r} has {len(factors)} factors; {FACTORS} at most")
    return Term(tuple(factors))


class _Entry(Struct):
    name: str
    texture: Literal["portrait", "parts"]
    terms: list[str]
    """In the order of the sheet's deltas."""
    opacity: dict[str, float]


class _Index(Struct):
    format: Literal["polytalk-photo/1"]
    size: int
    step: int
    turn: Turn
    motion: Motion
    jaw_box: tuple[int, int, int, int]
    eye_boxes: list[tuple[int, int, int, int]]
    sheets: list[_Entry]
    warnings: list[str]


def _pack(values: Floats) -> NDArray[np.int16]:
    packed: NDArray[np.int16] = np.clip(np.rint(values * STEP), -32768, 32767).astype(np.int16)
    return packed


def _unpack(entry: _Entry, arrays: dict[str, NDArray[np.generic]], step: int) -> Sheet:
    def floats(key: str, divisor: float) -> Floats:
        values: Floats = arrays[f"{entry.name}.{key}"].astype(np.float32) / np.float32(divisor)
        return values

    deltas = floats("deltas", step) if entry.terms else np.zeros((0, 0, 2), np.float32)
    for term in (*entry.terms, *entry.opacity):
        term_of(term)
    vertices, triangles = floats("vertices", step), arrays[f"{entry.name}.triangles"].astype(np.uint16)
    if len(deltas) != len(entry.terms) or triangles.max(initial=0) >= len(vertices):
        raise ValueError(f"the sheet {entry.name!r} is not whole")
    return Sheet(
        entry.name,
        entry.texture,
        vertices,
        floats("uv", step),
        floats("alpha", 255),
        floats("head", 1),
        triangles,
        dict(zip(entry.terms, deltas, strict=True)),
        entry.opacity,
    )
