"""Theo: deep tan skin, black hair swept back, a trimmed beard, a rust-coloured knit over a white shirt."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from polytalk.avatar.bundle import Avatar, HeadMove, Layer, Stroke
from tools.draw_avatars.eyes import Eye
from tools.draw_avatars.features import Brow, Ear, Nose
from tools.draw_avatars.geometry import CENTRE, ellipse, join, mirror, points, polyline, ribbon, smooth, symmetric
from tools.draw_avatars.hair import Spine, dressed_lock, lock
from tools.draw_avatars.head import Head, Skin
from tools.draw_avatars.layers import layer
from tools.draw_avatars.lips import Lips
from tools.draw_avatars.mouth import Mouth
from tools.draw_avatars.movement import breathing, motion
from tools.draw_avatars.muscles import Muscles
from tools.draw_avatars.neck import Neck
from tools.draw_avatars.paint import fade, linear, mix, radial

SKIN = Skin(base="#bd7f56", light="#d9a274", shade="#955a36", deep="#66361f", blush="#bb4f33")
HAIR, DARK, LIGHT, GLOW = "#2a1e1b", "#140d0c", "#4d3a32", "#8a6c5a"
BEARD = "#2b1912"
KNIT, WHITE = "#b5532f", "#f3f1ec"
INK = mix(KNIT, "#3a120a", 0.75)
MUSCLES = Muscles(mouth_y=322, half_width=37, chin_y=382)
body = partial(layer, depth=0.0, roll=0.0, fields=breathing())

# fmt: off
CONTOUR = ((256, 92), (306, 100), (338, 134), (350, 186), (351, 236), (347, 282), (336, 326), (312, 360), (283, 379),
    (256, 383))
PLANE = ((342, 150), (326, 180), (330, 218), (337, 250), (325, 288), (315, 326), (298, 358), (274, 378))
BEARD_LINE = ((356, 128), (339, 150), (335, 186), (343, 210), (342, 252), (337, 284), (321, 307), (300, 310),
    (282, 301), (266, 300), (256, 304))
TOP_OUTER = ((154, 214), (148, 146), (166, 92), (208, 58), (262, 46), (318, 58), (354, 96), (364, 146), (358, 214))
TOP_INNER = ((163, 212), (168, 162), (182, 138), (208, 124), (242, 118), (280, 117), (314, 124), (336, 144),
    (345, 170), (350, 212))
LOCKS: tuple[tuple[Spine, Spine], ...] = (
    (((158, 180), (156, 126), (182, 84), (228, 60), (284, 58)), ((178, 143), (183, 112), (206, 86), (242, 72),
     (284, 58))),
    (((176, 146), (184, 100), (216, 70), (268, 58), (326, 80)), ((210, 123), (218, 97), (244, 78), (284, 72),
     (326, 80))),
    (((206, 125), (216, 88), (252, 70), (304, 70), (350, 112)), ((246, 118), (256, 97), (282, 84), (316, 88),
     (350, 112))),
    (((242, 118), (256, 90), (294, 78), (336, 94), (358, 150)), ((284, 117), (295, 100), (316, 96), (340, 112),
     (358, 150))),
    (((280, 117), (296, 94), (324, 94), (346, 122), (354, 186)), ((318, 126), (326, 118), (336, 122), (347, 144),
     (354, 186))),
)
# fmt: on


def draw() -> Avatar:
    """The whole bundle."""
    head = Head(CONTOUR, PLANE, SKIN, MUSCLES, blush=0.16)
    layers = [
        *_backdrop(),
        layer(
            "hair_back",
            smooth(symmetric(((256, 56), (322, 66), (356, 104), (362, 160), (357, 226), (340, 250)))),
            DARK,
            depth=0.9,
        ),
        *Neck(55, SKIN, MUSCLES).layers(),
        *_clothes(),
        *(part for side in (-1, 1) for part in _ear(side).layers()),
        *head.layers(),
        _hair_shadow(),
        *_beard(head),
        *_mouth().layers(),
        *_nose().layers(head.fields),
        *(part for side in (-1, 1) for part in _eye(side).layers()),
        *(part for side in (-1, 1) for part in _brow(side).layers()),
        *_hair(),
    ]
    return Avatar(
        format="polytalk-avatar/1",
        id="theo",
        name={"en": "Theo", "zh": "西奥"},
        voice="joe",
        style="illustrated",
        size=(512, 512),
        background=radial(210, 170, 430, "#edf4f4", (0.5, "#cfe0e2", 1.0), "#93b4bb"),
        pivot=(256, 430),
        head=HeadMove(shift=(14, 10), roll=6),
        layers=layers,
        motion=motion(0.4),
    )


def _backdrop() -> list[Layer]:
    disc = ellipse(256, 250, 205, 205)
    return [layer("backdrop", disc, linear(100, 60, 400, 440, "#fafdfb", "#b3cdd2"), depth=0.0, roll=0.0, opacity=0.55)]


def _clothes() -> list[Layer]:
    half = ((256, 452), (284, 446), (306, 430), (316, 414), (352, 430), (412, 448), (458, 474), (484, 524), (256, 524))
    sweater = smooth(symmetric(half), corners=(3, 7, 8, 9, 13))
    band = [(196, 414), (206, 436), (228, 454), (256, 461), (284, 454), (306, 436), (316, 414)]
    inner = [(199, 411), (210, 430), (231, 446), (256, 452), (281, 446), (302, 430), (313, 411)]
    collar = smooth([*[(256 + (x - 256) * 1.06, y + 8) for x, y in band], *inner[::-1]], corners=(0, 6, 7, 13))
    shirt = smooth([*inner, *[(256 + (x - 256) * 0.95, y - 7) for x, y in inner[::-1]]], corners=(0, 6, 7, 13))
    ribs = join([polyline([(x, y - 9), (256 + (x - 256) * 1.06, y + 9)], closed=False) for x, y in _along(band, 43)])
    folds = [
        ribbon([(104, 528), (96, 502), (84, 478)], 7, widest=0.3),
        ribbon([(408, 528), (416, 502), (428, 478)], 7, widest=0.3),
    ]
    chest = points((256, 440), (316, 420), (420, 430), (490, 470), (500, 524), (256, 524))
    return [
        body("shirt", shirt, linear(200, 0, 312, 0, WHITE, mix(WHITE, "#9aa4ad", 0.5))),
        body("knit", sweater, linear(60, 430, 450, 520, mix(KNIT, "#ffb27a", 0.28), KNIT, mix(KNIT, INK, 0.55))),
        body("knit_shade", smooth(chest, corners=(0, 3, 4, 5)), fade(256, 0, 470, 0, INK, 0.0, 0.4), clip="knit"),
        *(body(f"sleeve_{i}", line, INK, opacity=0.45) for i, line in enumerate(folds)),
        body("collar", collar, linear(190, 0, 322, 0, mix(KNIT, "#ffb27a", 0.2), mix(KNIT, INK, 0.45))),
        body("collar_ribs", ribs, stroke=Stroke(INK, 1.2, "butt"), opacity=0.3, clip="collar"),
    ]


def _along(spine: Sequence[tuple[float, float]], count: int) -> list[tuple[float, float]]:
    """Points at even distances along the spine."""
    line = points(*spine)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, length[-1], count)
    return list(zip(np.interp(at, length, line[:, 0]), np.interp(at, length, line[:, 1]), strict=True))


def _ear(side: int) -> Ear:
    return Ear(
        side, CENTRE + side * 93, 218, 290, 19, SKIN.base if side < 0 else mix(SKIN.base, SKIN.shade, 0.6), SKIN.deep
    )


def _beard(head: Head) -> list[Layer]:
    """Temples, sideburns and beard as one piece whose density fades at the ears."""
    line = points(*BEARD_LINE)
    jaw = points(*((x, y + 1) for x, y in CONTOUR if y > 130))
    rim = np.concatenate([line, mirror(line)[-2::-1], mirror(jaw), jaw[-2::-1]])
    soft = rim + np.where(np.arange(len(rim)) < 2 * len(line) - 1, 1.0, 0.0)[:, None] * [0.0, 5.0]
    tops = (0, 2 * len(line) - 2, 2 * len(line) - 1, len(rim) - 1)
    fade_at_ears = [
        (0.0, HAIR, 1.0),
        (0.24, HAIR, 0.96),
        (0.38, HAIR, 0.6),
        (0.52, BEARD, 0.42),
        (0.7, BEARD, 0.55),
        (1.0, BEARD, 0.64),
    ]
    on_face = partial(layer, clip="face", fields=head.fields)
    return [
        on_face("beard", smooth(rim, corners=tops), linear(0, 160, 0, 340, *fade_at_ears)),
        on_face("beard_dense", smooth(soft, corners=tops), fade(0, 230, 0, 340, BEARD, 0.0, 0.4, 0.62)),
    ]


def _mouth() -> Mouth:
    lips = Lips(322, 36.5, 7.4, 10.4, color="#b06653", light="#dca08a", dark="#723629", corner_lift=4.0, gloss=0.28)
    return Mouth(lips, tooth="#f7f0e6")


def _nose() -> Nose:
    return Nose(216, 290, 20.5, 8, shadow=SKIN.shade, light=SKIN.light, line=mix(SKIN.deep, "#2a120a", 0.45))


def _eye(side: int) -> Eye:
    return Eye(
        side=side,
        x=CENTRE + side * 43.5,
        y=240,
        half_width=22.5,
        upper=11.8,
        lower=6.8,
        iris=11.2,
        iris_color="#4f2d17",
        skin=SKIN.base,
        shadow=mix(SKIN.deep, SKIN.shade, 0.3),
        lash="#1a0f0c",
        lash_width=2.8,
        tilt=1.6,
        white="#f8f2ea",
    )


def _brow(side: int) -> Brow:
    return Brow(side, (273, 213), (307, 206), (333, 216), 8.6, "#211613")


def _hair_shadow() -> Layer:
    low = points((166, 190), (180, 150), (206, 134), (244, 131), (284, 126), (318, 136), (340, 172), (350, 196))
    top = points((352, 110), (160, 110))
    return layer("hair_shadow", smooth([*low, *top], corners=(0, 7, 8, 9)), SKIN.deep, opacity=0.4, clip="face")


def _hair() -> list[Layer]:
    layers = [
        *dressed_lock("hair_top", TOP_OUTER, TOP_INNER, linear(150, 50, 350, 190, LIGHT, HAIR, DARK), []),
    ]
    for number, (outer, inner) in enumerate(LOCKS):
        x = outer[0][0]
        tones = [
            (DARK, 0.6, [(0.9, 0.0, 0.96, 5.0), (0.62, 0.05, 0.96, 3.0)]),
            (GLOW, 0.42, [(0.3, 0.2, 0.78, 5.0), (0.14, 0.28, 0.8, 3.0), (0.48, 0.22, 0.7, 3.0)]),
        ]
        fill = linear(x, 60, x + 90, 150, mix(LIGHT, GLOW, 0.12), HAIR, DARK)
        layers += dressed_lock(f"hair_lock_{number}", outer, inner, fill, tones)
    roots = lock([(x, y - 13) for x, y in TOP_INNER[1:-1]], [(x, y + 2) for x, y in TOP_INNER[1:-1]])
    return [*layers, layer("hair_roots", roots, fade(0, 104, 0, 126, DARK, 0.0, 0.85))]
