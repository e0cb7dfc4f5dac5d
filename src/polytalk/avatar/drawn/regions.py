"""What of a drawing the mouth moves and what the eyes, and where: the patches that a codebook is made of."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar, Layer
from polytalk.avatar.photo.visemes import MOUTHS
from polytalk.avatar.pictures import Box
from polytalk.avatar.raster import Renderer
from polytalk.avatar.terms import parse_term
from polytalk.avatar.warp import grown
from polytalk.types import MOUTH_PARAMS

MOUTH = tuple(name for name in MOUTH_PARAMS if name != "blink")
EYES = ("blink", "gaze_x", "gaze_y", "brow")
SMILE = "smile"
"""Moves mouth and lids."""
SWAY = "breath"
"""Is smooth, and large: it is warped, as the head is."""
VISIBLE = 12
"""Levels of 255 that a pixel must change by to count."""
MARGIN = 4
"""Pixels around what moves."""


class Region(NamedTuple):
    """What is kept as patches, all boxes of it together."""

    names: tuple[str, ...]
    """The parameters that set it."""
    layers: frozenset[str]
    """Those that they move, by id."""
    boxes: tuple[Box, ...]
    """In pixels of the picture."""


class Regions(NamedTuple):
    """Of one drawing at one size."""

    mouth: Region
    """Of one box."""
    eyes: Region
    """Of none to some."""


def regions(avatar: Avatar, size: tuple[int, int]) -> Regions | None:
    """None for a drawing that moves in other ways than patches and one warp can follow. Takes some 0.2 s."""
    if not all(map(_simple, avatar.layers)):
        return None
    moved = {layer.id: _parameters(layer) for layer in avatar.layers}
    eyes = frozenset(key for key, names in moved.items() if names & {*EYES})
    mouth = frozenset(key for key, names in moved.items() if names & {*MOUTH, SMILE}) - eyes
    spoken = _changed(avatar, mouth, _mouths(), size)
    if not spoken.any():
        return None
    seen = _changed(avatar, eyes, _looks(), size)
    if (spoken & seen).any():
        return None  # cheeks that reach into the eyes: a patch of one would have to know of the other
    down, across = np.nonzero(spoken.any(1))[0], np.nonzero(spoken.any(0))[0]
    around = grown((int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1), MARGIN, size)
    return Regions(Region((*MOUTH, SMILE), mouth, (around,)), Region((*EYES, SMILE), eyes, tuple(_boxes(seen, size))))


def _parameters(layer: Layer) -> frozenset[str]:
    terms = (*layer.deltas, *layer.opacity_deltas)
    return frozenset(factor.parameter for term in terms for factor in parse_term(term).factors)


def _simple(layer: Layer) -> bool:
    """Whether mouth, eyes or breath move it, and one of them alone; breath by its plain term."""
    names = _parameters(layer)
    if SWAY in names:
        return {*layer.deltas, *layer.opacity_deltas} == {SWAY}
    return names <= {*MOUTH, SMILE} or names <= {*EYES, SMILE}


def _mouths() -> list[dict[str, float]]:
    plain = [*MOUTHS.values(), *({name: 1.0} for name in MOUTH)]
    return [*plain, *({**one, SMILE: 1.0} for one in ({}, {"jaw": 1.0}, {"wide": 1.0}, {"jaw": 1.0, "round": 1.0}))]


def _looks() -> list[dict[str, float]]:
    ends = ({}, *({name: value} for name in EYES[1:] for value in (-1.0, 1.0)), {SMILE: 1.0})
    return [{**one, "blink": blink} for one in ends for blink in (0.0, 1.0)]


def _changed(
    avatar: Avatar, free: frozenset[str], extremes: Iterable[dict[str, float]], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """[H, W]: where pictures under the extremes differ from the one at rest, if only these layers move."""
    frozen = [one if one.id in free else replace(one, deltas={}, opacity_deltas={}) for one in avatar.layers]
    renderer = Renderer(replace(avatar, layers=frozen), size)
    rest = renderer.frame({})
    most = np.zeros(rest.shape, np.uint8)
    for one in extremes:
        np.maximum(most, cv2.absdiff(renderer.frame(one), rest), out=most)
    return np.asarray(most.max(axis=-1) > VISIBLE)


def _boxes(changed: NDArray[np.bool_], size: tuple[int, int]) -> list[Box]:
    """Around what changed, with a margin: boxes that do not overlap."""
    mask = cv2.dilate(changed.astype(np.uint8), np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return _merged([grown((int(x), int(y), int(x + w), int(y + h)), 0, size) for x, y, w, h, _ in stats[1:]])


def _merged(boxes: list[Box]) -> list[Box]:
    """Boxes that overlap as one."""
    apart: list[Box] = []
    for box in boxes:
        while touching := [other for other in apart if _touch(box, other)]:
            apart = [other for other in apart if other not in touching]
            box = (
                min(box[0], *(other[0] for other in touching)),
                min(box[1], *(other[1] for other in touching)),
                max(box[2], *(other[2] for other in touching)),
                max(box[3], *(other[3] for other in touching)),
            )
        apart.append(box)
    return sorted(apart)


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
