"""The neck, the shadow of the chin on it, and the collarbones."""

from dataclasses import dataclass

import numpy as np

from polytalk.avatar.bundle import Layer
from tools.draw_avatars.geometry import CENTRE, Field, mirror, move, points, polyline, ribbon, smooth
from tools.draw_avatars.head import Skin
from tools.draw_avatars.layers import layer
from tools.draw_avatars.muscles import Muscles
from tools.draw_avatars.paint import fade, linear


@dataclass(frozen=True)
class Neck:
    """A neck that is `half_width` wide under the chin; half of the head's roll and a third of its shift reach it."""

    half_width: float
    skin: Skin
    muscles: Muscles

    def layers(self) -> list[Layer]:
        """Column, soft side shade, tendons, collarbones, the chin's shadow."""
        w, s, c, chin = self.half_width, self.skin, CENTRE, self.muscles.chin_y
        right = points(
            (c + w + 2, chin - 70),
            (c + w, chin + 6),
            (c + w + 5, chin + 38),
            (c + w + 44, chin + 70),
            (c + w + 60, chin + 160),
        )
        column = smooth([*right, *mirror(right)[::-1]], corners=(0, 4, 5, 9))
        side = points((c, chin - 60), (c + w + 70, chin - 60), (c + w + 70, chin + 160), (c, chin + 160))
        cast = points(
            (c - w - 6, chin - 60),
            (c + w + 6, chin - 60),
            (c + w + 8, chin + 30),
            (c + w * 0.62, chin + 35),
            (c + 6, chin + 29),
            (c - w * 0.52, chin + 13),
            (c - w - 6, chin - 16),
        )
        fall: dict[str, Field] = {"jaw": lambda p: move(0.0, np.where(p[:, 1] > chin - 20, 12.0, 0.0))}
        tendon = ribbon([(c - w * 0.72, chin + 22), (c - w * 0.42, chin + 50), (c - w * 0.16, chin + 76)], 5)
        bones = [
            ribbon([(c + side * 18, chin + 88), (c + side * 44, chin + 80), (c + side * 84, chin + 74)], 5)
            for side in (-1, 1)
        ]
        return [
            layer(
                "neck", column, linear(c - w, 0, c + w, 0, s.base, (0.6, s.base, 1.0), s.shade), depth=0.35, roll=0.45
            ),
            layer(
                "neck_side",
                polyline(side),
                fade(c, 0, c + w + 6, 0, s.deep, 0.0, 0.4),
                depth=0.35,
                roll=0.45,
                clip="neck",
            ),
            layer("neck_tendon", tendon, s.deep, opacity=0.14, depth=0.35, roll=0.45),
            *(
                layer(f"collarbone_{i}", bone, s.deep, opacity=0.24, depth=0.1, roll=0.1)
                for i, bone in enumerate(bones)
            ),
            layer(
                "neck_shadow",
                smooth(cast, corners=(0, 1)),
                s.deep,
                depth=0.55,
                roll=0.6,
                fields=fall,
                opacity=0.5,
                clip="neck",
            ),
        ]
