"""Mira: warm light-brown skin, dark wavy hair tucked behind one ear, a teal blazer over a cream top."""

from functools import partial

from polytalk.avatar.bundle import Avatar, HeadMove, Layer
from tools.draw_avatars.eyes import Eye
from tools.draw_avatars.features import Brow, Ear, Nose
from tools.draw_avatars.geometry import CENTRE, ellipse, points, ribbon, smooth
from tools.draw_avatars.hair import dressed_lock, strands
from tools.draw_avatars.head import Head, Skin
from tools.draw_avatars.layers import layer
from tools.draw_avatars.lips import Lips
from tools.draw_avatars.mouth import Mouth
from tools.draw_avatars.movement import breathing, motion
from tools.draw_avatars.muscles import Muscles
from tools.draw_avatars.neck import Neck
from tools.draw_avatars.paint import linear, mix, radial

SKIN = Skin(base="#edb894", light="#fbd7b6", shade="#d3946f", deep="#a2593f", blush="#e56f5c")
HAIR, DARK, LIGHT, GLOW = "#55301f", "#2a1512", "#86502f", "#c98d57"
TEAL, CREAM, GOLD = "#1d7173", "#f8eddc", "#e9b64f"
INK = mix(TEAL, "#06282e", 0.7)
MUSCLES = Muscles(mouth_y=316, half_width=35, chin_y=370)
body = partial(layer, depth=0.0, roll=0.0, fields=breathing())

# fmt: off
CONTOUR = ((256, 96), (304, 104), (336, 138), (347, 188), (348, 234), (342, 278), (326, 319), (299, 351), (276, 368),
    (256, 372))
PLANE = ((338, 150), (324, 180), (327, 216), (333, 246), (322, 286), (308, 322), (290, 350), (272, 367))
FRONT_OUTER = ((226, 67), (250, 57), (288, 51), (336, 68), (373, 114), (386, 178), (381, 238), (388, 294), (407, 344),
    (409, 392), (388, 430), (346, 449))
FRONT_INNER = ((239, 104), (268, 112), (304, 128), (330, 156), (343, 194), (345, 238), (338, 284), (344, 330),
    (360, 368), (356, 404), (345, 430), (344, 450))
BEHIND_OUTER = ((330, 80), (376, 124), (400, 192), (399, 256), (411, 314), (430, 362), (432, 406), (410, 446),
    (368, 462))
BEHIND_INNER = ((340, 110), (362, 180), (356, 244), (366, 304), (380, 356), (380, 400), (370, 436), (367, 463))
TUCKED_OUTER = ((232, 66), (194, 71), (155, 102), (134, 150), (127, 204), (128, 252), (138, 304))
TUCKED_INNER = ((239, 104), (212, 116), (189, 140), (176, 174), (167, 206), (154, 240), (146, 274), (141, 306))
FALLING_OUTER = ((142, 180), (122, 236), (115, 296), (99, 346), (98, 394), (120, 434), (166, 453))
FALLING_INNER = ((168, 236), (158, 292), (148, 340), (160, 380), (169, 412), (173, 436), (167, 454))
BACK_OUTER = ((250, 66), (196, 80), (150, 112), (130, 190), (126, 270), (116, 340), (124, 400), (160, 446))
BACK_INNER = ((262, 60), (330, 74), (380, 122), (398, 200), (398, 280), (402, 350), (392, 410), (352, 448))
# fmt: on


def draw() -> Avatar:
    """The whole bundle."""
    head = Head(CONTOUR, PLANE, SKIN, MUSCLES, blush=0.27)
    layers = [
        *_backdrop(),
        *_hair_behind(),
        *Neck(43, SKIN, MUSCLES).layers(),
        *_clothes(),
        *_hair_on_shoulders(),
        *_ear(),
        *head.layers(),
        *_mouth().layers(),
        *_nose().layers(head.fields),
        *(part for side in (-1, 1) for part in _eye(side).layers()),
        *_hair_shadow(),
        *(part for side in (-1, 1) for part in _brow(side).layers()),
        *_hair_front(),
    ]
    return Avatar(
        format="polytalk-avatar/1",
        id="mira",
        name={"en": "Mira", "zh": "米拉"},
        voice="heart",
        style="illustrated",
        size=(512, 512),
        background=radial(210, 170, 430, "#fdf0e2", (0.5, "#f8dcc4", 1.0), "#e8b496"),
        pivot=(256, 430),
        head=HeadMove(shift=(14, 10), roll=6),
        layers=layers,
        motion=motion(0.0),
    )


def _backdrop() -> list[Layer]:
    disc = ellipse(256, 250, 205, 205)
    return [layer("backdrop", disc, linear(100, 60, 400, 440, "#fff7ec", "#f3c9ab"), depth=0.0, roll=0.0, opacity=0.55)]


def _hair_behind() -> list[Layer]:
    fill = linear(0, 80, 0, 440, DARK, mix(HAIR, DARK, 0.5), mix(HAIR, DARK, 0.2))
    fine = [
        (0.03, 0.45, 0.95, 5.0),
        (0.08, 0.5, 0.98, 4.0),
        (0.14, 0.55, 1.0, 5.0),
        (0.95, 0.5, 0.98, 5.0),
        (0.89, 0.55, 1.0, 4.0),
    ]
    return dressed_lock("hair_back", BACK_OUTER, BACK_INNER, fill, [(LIGHT, 0.3, fine)], depth=0.75)


def _hair_on_shoulders() -> list[Layer]:
    falling = [
        (DARK, 0.45, [(0.85, 0.1, 1.0, 6.0), (0.5, 0.05, 1.0, 4.0), (0.2, 0.1, 0.95, 3.0)]),
        (GLOW, 0.42, [(0.34, 0.25, 0.62, 6.0), (0.62, 0.3, 0.7, 4.0), (0.45, 0.66, 0.98, 4.0)]),
    ]
    behind = [
        (DARK, 0.5, [(0.85, 0.1, 1.0, 6.0), (0.55, 0.1, 1.0, 4.0)]),
        (GLOW, 0.34, [(0.22, 0.3, 0.62, 5.0), (0.4, 0.55, 0.95, 5.0), (0.12, 0.65, 0.96, 3.0)]),
    ]
    return [
        *dressed_lock(
            "hair_falling",
            FALLING_OUTER,
            FALLING_INNER,
            linear(0, 200, 0, 446, mix(HAIR, DARK, 0.5), HAIR, LIGHT),
            falling,
            depth=0.85,
        ),
        *dressed_lock(
            "hair_outer",
            BEHIND_OUTER,
            BEHIND_INNER,
            linear(0, 90, 0, 450, DARK, mix(HAIR, DARK, 0.35), LIGHT),
            behind,
            depth=0.88,
        ),
    ]


def _hair_front() -> list[Layer]:
    tucked = [
        (DARK, 0.42, [(0.92, 0.02, 0.95, 5.0), (0.6, 0.02, 1.0, 4.0), (0.28, 0.05, 1.0, 4.0), (0.08, 0.1, 1.0, 3.0)]),
        (GLOW, 0.5, [(0.40, 0.16, 0.74, 7.0), (0.52, 0.2, 0.68, 3.0), (0.2, 0.22, 0.72, 5.0), (0.7, 0.24, 0.7, 3.0)]),
        ("#f0c48f", 0.35, [(0.42, 0.26, 0.58, 3.0), (0.22, 0.32, 0.58, 2.4)]),
    ]
    front = [
        (
            DARK,
            0.4,
            [
                (0.9, 0.02, 0.9, 6.0),
                (0.66, 0.03, 1.0, 5.0),
                (0.36, 0.03, 0.97, 5.0),
                (0.12, 0.05, 1.0, 4.0),
                (0.8, 0.45, 1.0, 4.0),
            ],
        ),
        (
            GLOW,
            0.5,
            [
                (0.48, 0.06, 0.36, 9.0),
                (0.6, 0.08, 0.4, 4.0),
                (0.28, 0.08, 0.38, 6.0),
                (0.77, 0.1, 0.4, 4.0),
                (0.45, 0.5, 0.82, 6.0),
                (0.66, 0.6, 0.95, 4.0),
                (0.22, 0.54, 0.86, 4.0),
                (0.34, 0.76, 0.99, 3.0),
            ],
        ),
        ("#f0c48f", 0.35, [(0.47, 0.12, 0.28, 3.6), (0.3, 0.13, 0.29, 2.6), (0.44, 0.56, 0.72, 2.4)]),
    ]
    loose = ((246, 104), (288, 112), (326, 138), (350, 186), (352, 240), (340, 292), (346, 336), (366, 376))
    return [
        *dressed_lock(
            "hair_front", FRONT_OUTER, FRONT_INNER, linear(240, 60, 400, 420, LIGHT, HAIR, DARK, HAIR, LIGHT), front
        ),
        *dressed_lock(
            "hair_tucked",
            TUCKED_OUTER,
            TUCKED_INNER,
            linear(0, 70, 0, 306, LIGHT, HAIR, mix(HAIR, DARK, 0.45), mix(HAIR, DARK, 0.35)),
            tucked,
        ),
        layer("hair_loose", strands(loose, loose, [(0.0, 0.2, 1.0, 3.2)]), LIGHT, depth=1.05, opacity=0.9),
    ]


def _hair_shadow() -> list[Layer]:
    left = points((240, 102), (214, 126), (194, 152), (184, 186), (177, 216), (160, 252), (150, 190), (200, 110))
    right = points(
        (238, 102),
        (266, 120),
        (300, 140),
        (322, 168),
        (335, 204),
        (338, 246),
        (332, 288),
        (338, 322),
        (352, 296),
        (356, 190),
        (300, 112),
    )
    return [
        layer("hair_shadow_left", smooth(left, corners=(0, 5, 6, 7)), SKIN.deep, opacity=0.26, clip="face"),
        layer("hair_shadow_right", smooth(right, corners=(0, 7, 8, 9, 10)), SKIN.deep, opacity=0.28, clip="face"),
    ]


def _clothes() -> list[Layer]:
    neckline = ((196, 424), (206, 452), (230, 474), (256, 481), (282, 474), (306, 452), (316, 424))
    top = smooth([*neckline, (340, 436), (340, 524), (172, 524), (172, 436)], corners=(0, 6, 7, 8, 9, 10))
    hem = smooth([*neckline, *((x, y + 4.5 - abs(x - 256) * 0.04) for x, y in neckline[-2:0:-1])], corners=(0, 6))
    half = ((202, 412), (166, 431), (110, 448), (68, 474), (44, 524), (238, 524), (222, 500), (203, 456))
    jacket_left, jacket_right = (
        smooth([(s * (x - 256) + 256, y) for x, y in half], corners=(0, 4, 5)) for s in (1, -1)
    )
    lapel = ((203, 411), (183, 424), (165, 457), (184, 465), (175, 478), (212, 508), (240, 524), (224, 500), (204, 455))
    lapels = [smooth([(s * (x - 256) + 256, y) for x, y in lapel], corners=(0, 2, 3, 4, 6)) for s in (1, -1)]
    chain = ribbon([(207, 428), (216, 448), (234, 464), (256, 470), (278, 464), (296, 448), (305, 428)], 1.5, tip=1.0)
    fold = [
        ribbon([(118, 526), (110, 500), (97, 476)], 6, widest=0.3),
        ribbon([(392, 526), (401, 500), (414, 477)], 6, widest=0.3),
    ]
    return [
        layer("necklace", chain, GOLD, depth=0.15, roll=0.1),
        layer("pendant", ellipse(256, 472.5, 3.2, 3.2), GOLD, depth=0.15, roll=0.1),
        body("top", top, linear(0, 424, 0, 512, CREAM, mix(CREAM, "#c9a98a", 0.3))),
        body("top_hem", hem, "#d6b898", opacity=0.6),
        body("jacket_left", jacket_left, linear(60, 440, 240, 520, mix(TEAL, "#ffffff", 0.12), TEAL)),
        body("jacket_right", jacket_right, linear(270, 440, 460, 520, TEAL, mix(TEAL, INK, 0.75))),
        *(body(f"sleeve_{i}", line, INK, opacity=0.5) for i, line in enumerate(fold)),
        body("lapel_left", lapels[0], linear(170, 430, 236, 520, mix(TEAL, "#ffffff", 0.2), TEAL)),
        body("lapel_right", lapels[1], linear(280, 430, 340, 520, mix(TEAL, INK, 0.1), mix(TEAL, INK, 0.5))),
        body(
            "lapel_edge",
            ribbon([(203, 411), (204, 455), (224, 500), (240, 524)], 2.4),
            mix(TEAL, "#ffffff", 0.4),
            opacity=0.5,
        ),
    ]


def _ear() -> list[Layer]:
    return [
        *Ear(-1, 164, 220, 286, 17, mix(SKIN.base, SKIN.shade, 0.2), SKIN.deep).layers(),
        layer("earring", ellipse(157, 291, 4.4, 4.4), GOLD, depth=0.8),
        layer("earring_light", ellipse(155.8, 289.8, 1.5, 1.5), "#fff3cf", depth=0.8),
    ]


def _mouth() -> Mouth:
    return Mouth(
        Lips(316, 34.5, 9.4, 12.6, color="#d06d62", light="#f6b3a4", dark="#9d3f3d", corner_lift=3.8, gloss=0.5)
    )


def _nose() -> Nose:
    return Nose(214, 285, 17.5, 6.5, shadow=SKIN.shade, light=SKIN.light, line=mix(SKIN.deep, "#5a2418", 0.4))


def _eye(side: int) -> Eye:
    return Eye(
        side=side,
        x=CENTRE + side * 43,
        y=237,
        half_width=23,
        upper=13.6,
        lower=7.4,
        iris=12.0,
        iris_color="#7a4420",
        skin=SKIN.base,
        shadow=mix(SKIN.deep, SKIN.shade, 0.3),
        lash="#24130f",
        lash_width=4.0,
        lashes=True,
    )


def _brow(side: int) -> Brow:
    return Brow(side, (275, 209), (306, 202), (331, 212), 6.4, "#5a3626")
