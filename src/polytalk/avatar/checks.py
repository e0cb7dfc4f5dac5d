"""Whether a photograph makes a good avatar, from its landmarks and pixels: what is wrong, and how to mend it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from polytalk.avatar import points as at
from polytalk.avatar import quality
from polytalk.avatar.checks_text import TEXTS
from polytalk.avatar.points import Points
from polytalk.avatar.quality import Picture
from polytalk.errors import BadInput

LEAST_WIDTH = 120
FINE_WIDTH = 220
"""Below this many pixels from ear to ear a face can talk, and looks coarse."""
OTHER_FACE = 0.45
"""Width of a second face over the first's from which on they are two portraits, not one with a passer-by."""
STEEPEST_ROLL = 40.0


@dataclass(frozen=True)
class Bound:
    """From `warns` on a warning, from `refuses` on a refusal."""

    warns: float
    refuses: float

    def judge(self, value: float, code: str, worse: str) -> list["Finding"]:
        """The finding under `code` or, where it refuses, under `worse`."""
        if value >= self.refuses:
            return [finding(worse, refuses=True)]
        return [finding(code)] if value >= self.warns else []


NOSE_OFFSET = Bound(0.06, 0.14)
YAW = Bound(10.0, 22.0)
PITCH = Bound(17.0, 30.0)
"""Degrees away from `LEVEL_PITCH`."""
LEVEL_PITCH = 8.0
GAP = Bound(0.03, 0.15)
BLUR = Bound(1 / 8.0, 1 / 1.6)
"""One over `quality.sharpness`."""
DARK = Bound(1 / 90.0, 1 / 45.0)
"""One over `quality.light`."""
BRIDGE = 0.3
RIMS = 0.45
"""`quality.rims`: bare skin has 0.31 at most, dark rims 0.65 at least; pale metal on pale skin is not noticed."""
EYES = Bound(1 - 0.6, 1 - 0.45)
"""1 - `quality.eyes_alike`: bare eyes have 0.23 at most, eyes behind glasses 0.39, sunglasses 0.6 at least."""
LINE, LIPS = Bound(-0.26, -0.2), Bound(-0.3, -0.03)
"""Minus `quality.lips_line`, minus `lips_red`: lips have 0.36 and 0.08 at least, masks and hands 0.11 and 0 at most."""
SHADE = 1.7
BURNT = Bound(0.03, 0.25)
HIDING = frozenset({"glasses", "eye_behind"})
"""Findings with which the eyes don't blink: a lid would be painted over what is in front of it."""
TEETH = 0.12
PAINT, PAINT_SHARPNESS = 0.45, 10.0
"""Less `quality.texture` than this at more sharpness than that: no camera gives skin without grain and sharp edges."""


class Finding(Struct, frozen=True):
    """One thing to know about a photograph."""

    code: str
    refuses: bool
    """Whether it is refused for it; else it is a warning, and the avatar is made."""
    text: dict[str, str]
    """What is seen and what to do, by language: "en" and "zh"."""


class Unsuitable(BadInput):
    """The picture was read, and no avatar can be made of it; `findings` say why, warnings too."""

    code = "portrait_unsuitable"

    def __init__(self, findings: Sequence[Finding]) -> None:
        said = "; ".join(found.text["en"] for found in findings if found.refuses)
        super().__init__(said, param="image")
        self.findings = tuple(findings)


def finding(code: str, *, refuses: bool = False, **values: object) -> Finding:
    """The finding of a code, its text filled in."""
    return Finding(code, refuses, {language: text.format(**values) for language, text in TEXTS[code].items()})


def check_place(faces: Sequence[Points], size: tuple[int, int]) -> list[Finding]:
    """Whether one whole face is in a picture of `size` (width, height); `faces` are largest first."""
    if not faces:
        return [finding("no_face", refuses=True)]
    face, *others = faces
    found: list[Finding] = []
    if others:
        close = max(map(at.face_width, others)) >= OTHER_FACE * at.face_width(face)
        code = "several_faces" if close else "faces_behind"
        found.append(finding(code, refuses=close, count=len(faces)))
    width = at.face_width(face)
    if width < FINE_WIDTH:
        small = width < LEAST_WIDTH
        found.append(finding("face_too_small" if small else "face_coarse", refuses=small, width=round(width)))
    if abs(at.roll(face)) > STEEPEST_ROLL:
        found.append(finding("sideways", refuses=True, degrees=round(abs(at.roll(face)))))
    if np.any(face[:, :2] < 0) or np.any(face[:, :2] > np.array(size)):
        found.append(finding("cut_off", refuses=True))
    return found


def check_face(rgb: Picture, points: Points) -> list[Finding]:
    """Whether an upright face (see `framing.frame`) looks at the camera, with its mouth shut, in good light."""
    gap = at.mouth_gap(points)
    sharp = quality.sharpness(rgb, points)
    turned = NOSE_OFFSET.judge(abs(at.nose_offset(points)), "turned", "profile")
    found = _worse(turned, YAW.judge(abs(at.yaw(points)), "turned", "profile"))
    found += PITCH.judge(abs(at.pitch(points) - LEVEL_PITCH), "nodding", "tilted")
    if gap < GAP.refuses and gap >= GAP.warns and quality.teeth(rgb, points) >= TEETH:
        found.append(finding("teeth"))
    else:
        found += GAP.judge(gap, "lips_parted", "mouth_open")
    clear = BLUR.judge(1 / max(sharp, 1e-6), "soft", "blurred")
    clear += DARK.judge(1 / max(quality.light(rgb, points), 1e-6), "dim", "dark")
    clear += BURNT.judge(quality.burnt(rgb, points), "bright", "burnt")
    found += clear
    if quality.unevenness(rgb, points) >= SHADE:
        found.append(finding("shaded"))
    if not any(one.refuses for one in clear):  # else grain looks like rims
        found += _covered(rgb, points, soft=any(one.code == "soft" for one in clear))
    if sharp >= PAINT_SHARPNESS and quality.texture(rgb, points) < PAINT:
        found.append(finding("drawn"))
    return found


def _covered(rgb: Picture, points: Points, *, soft: bool) -> list[Finding]:
    """What is in front of the eyes or the mouth."""
    glasses = max(quality.bridge(rgb, points) / BRIDGE, quality.rims(rgb, points) / RIMS) >= 1
    found = EYES.judge(1 - quality.eyes_alike(rgb, points), "eye_behind", "eyes_covered")
    if glasses and not any(one.refuses for one in found):
        found = [finding("glasses")]  # what they mirror makes the eyes differ
    line, red = quality.lips_line(rgb, points), quality.lips_red(rgb, points)
    if -line >= LINE.refuses and -red >= LIPS.refuses:
        found.append(finding("mouth_covered", refuses=True))
    elif not soft and -line >= LINE.warns and -red >= LIPS.warns:  # blurred lips have a faint line, too
        found.append(finding("mouth_behind"))
    return found


def insist(findings: Sequence[Finding]) -> None:
    """Raises Unsuitable when one of them refuses."""
    if any(found.refuses for found in findings):
        raise Unsuitable(findings)


def _worse(one: list[Finding], other: list[Finding]) -> list[Finding]:
    """Of two judgements of the same thing the harder one, as a list of its own."""
    return list(max(one, other, key=lambda judged: [found.refuses for found in judged]))
