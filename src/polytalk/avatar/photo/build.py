"""From a framed portrait and its landmarks to a face that can be drawn under any parameters."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from polytalk.avatar import framing
from polytalk.avatar.bundle import Blink, Motion, Poses
from polytalk.avatar.photo.anatomy import EYES
from polytalk.avatar.photo.atlas import Atlas
from polytalk.avatar.photo.face import Floats, PhotoFace, Picture, Sheet
from polytalk.avatar.photo.head import Field, Layout, base_sheet, fields, share_and_depth, turn_of
from polytalk.avatar.photo.interior import build_interior
from polytalk.avatar.photo.lids import build_lid
from polytalk.avatar.photo.light import read_light
from polytalk.avatar.photo.lipline import PARTED
from polytalk.avatar.photo.mouth import Mouth, build_mouth
from polytalk.errors import BadInput

OnProgress: TypeAlias = Callable[[str, float], None]
"""(step, share done in 0..1)."""
BEHIND = 0.12
"""How far the teeth are behind the lips, in widths of the mouth."""
MOTION = Motion(
    idle={
        "head_x": [(0.2, 7.3, 0.0), (0.1, 3.9, 0.37), (0.03, 1.7, 0.74)],
        "head_y": [(0.14, 5.7, 0.0), (0.07, 3.1, 0.37)],
        "head_roll": [(0.18, 9.1, 0.0), (0.08, 4.3, 0.37)],
        "gaze_x": [(0.12, 6.1, 0.0), (0.06, 2.3, 0.37)],
        "gaze_y": [(0.06, 7.7, 0.0), (0.03, 2.9, 0.37)],
        "breath": [(1.0, 4.2, 0.0)],
        "brow": [(0.06, 8.3, 0.0), (0.04, 3.7, 0.37)],
    },
    blink=Blink((2.4, 5.4), 0.2),
    poses=Poses(
        idle={"smile": 0.12},
        listening={"smile": 0.22, "brow": 0.25, "head_roll": 0.3, "head_y": 0.12},
        thinking={"smile": 0.0, "gaze_x": 0.7, "gaze_y": -0.7, "brow": 0.3, "head_x": 0.3, "head_y": -0.25},
        speaking={"smile": 0.08, "brow": 0.05},
    ),
    pose_seconds=0.4,
    nod={"head_y": 0.35, "brow": 0.25},
)


def build(
    rgb: Picture,
    points: Floats,
    on_progress: OnProgress = lambda _step, _share: None,
    *,
    blinks: bool = True,
) -> PhotoFace:
    """Make a face of a picture [H, W, 3] with landmarks [478, 3] in its pixels; takes seconds of one core.

    A picture that is no square yet is framed first. Without `blinks` its eyes stay open. Raises BadInput for arrays of
    another shape.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or points.shape != (478, 3):
        raise BadInput(
            f"a face needs a uint8 picture [H, W, 3] and 478 landmarks, not {rgb.dtype} {list(rgb.shape)} "
            f"and {list(points.shape)}"
        )
    points = points.astype(np.float32)
    if rgb.shape[0] != rgb.shape[1] or rgb.shape[0] > framing.SIDE:
        rgb, points = framing.frame(rgb, points)
    on_progress("mouth", 0.0)
    mouth = build_mouth(rgb, points)
    on_progress("eyes", 0.5)
    layout = Layout.of(rgb.shape[0], points)
    moves = fields(layout)
    if not blinks:
        del moves["blink"]
    atlas = Atlas()
    interior = build_interior(mouth, read_light(rgb, points), atlas)
    lids = [build_lid(name, eye, rgb, points, atlas) for name, eye in zip(("left_lid", "right_lid"), EYES, strict=True)]
    if not blinks:
        lids = [lid._replace(opacity={"blink": 0.0}) for lid in lids]
    on_progress("head", 0.7)
    base = base_sheet(layout, {**moves})
    front = [_headed(lid, layout) for lid in lids] + [
        _headed(one, layout, BEHIND * mouth.frame.width) for one in interior
    ]
    skin = _mouth_sheet(mouth, layout, moves)
    on_progress("save", 0.95)
    size = rgb.shape[0]
    return PhotoFace(
        rgb,
        atlas.picture(),
        (base, *front, skin),
        turn_of(layout),
        MOTION,
        _moving(skin, size),
        tuple(_around(lid, size) for lid in lids),
        mouth.lips,
        _warnings(mouth, size),
    )


def _mouth_sheet(mouth: Mouth, layout: Layout, moves: dict[str, Field]) -> Sheet:
    deltas = dict(mouth.deltas)
    for term, field in moves.items():
        also = field(mouth.uv.astype(np.float64)).astype(np.float32)
        if np.abs(also).max() > 0.05:
            deltas[term] = deltas[term] + also if term in deltas else also
    head = share_and_depth(layout, mouth.uv.astype(np.float64))
    return Sheet("mouth", "portrait", mouth.vertices, mouth.uv, mouth.alpha, head, mouth.triangles, deltas, {"": 1.0})


def _headed(sheet: Sheet, layout: Layout, behind: float = 0.0) -> Sheet:
    head = share_and_depth(layout, sheet.vertices.astype(np.float64))
    head[:, 1] -= behind
    return sheet._replace(head=head)


def _moving(sheet: Sheet, size: int) -> tuple[int, int, int, int]:
    """The even box of what the mouth's terms move."""
    far = np.max([np.abs(delta).max(axis=1) for term, delta in sheet.deltas.items() if term != "breath"], axis=0)
    moved = sheet.vertices[far > 0.2]
    return _even(moved.min(0) - 2, moved.max(0) + 2, size)


def _around(lid: Sheet, size: int) -> tuple[int, int, int, int]:
    shut = lid.vertices + lid.deltas["blink"]
    both = np.concatenate([lid.vertices, shut])
    margin = 0.25 * float(np.ptp(both[:, 0]))
    return _even(both.min(0) - margin, both.max(0) + margin, size)


def _even(low: Floats, high: Floats, size: int) -> tuple[int, int, int, int]:
    left, top = (max(0, int(value) // 8 * 8) for value in low)
    right, bottom = (min(size, -(-int(np.ceil(value)) // 8) * 8) for value in high)
    return left, top, right, bottom


def _warnings(mouth: Mouth, size: int) -> tuple[str, ...]:
    """Codes of `checks_text`."""
    found = {"mouth_stretched": mouth.parted > PARTED, "mouth_small": mouth.frame.width < size / 16}
    return tuple(code for code, so in found.items() if so)
