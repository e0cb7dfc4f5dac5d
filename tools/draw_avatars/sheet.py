"""A contact sheet to look at: `python -m tools.draw_avatars.sheet OUT.png [ID ...]`. Needs Pillow."""

import sys
from collections.abc import Mapping
from itertools import product

import numpy as np
from PIL import Image, ImageDraw

from polytalk.avatar.raster import Frame, Renderer
from tools.draw_avatars.__main__ import FACES

CELL = 256
CROP = (130, 60, 382, 436)
"""The head, in bundle pixels: left, top, right, bottom."""

VISEMES: dict[str, dict[str, float]] = {
    "rest": {},
    "m b p": {"press": 1.0, "jaw": 0.1},
    "a": {"jaw": 0.8, "wide": 0.1, "teeth": 0.5},
    "ae": {"jaw": 0.6, "wide": 0.45, "teeth": 0.6},
    "e": {"jaw": 0.35, "wide": 0.5, "teeth": 0.6},
    "i": {"jaw": 0.18, "wide": 0.85, "teeth": 0.8},
    "o": {"jaw": 0.5, "round": 0.6},
    "u w": {"jaw": 0.15, "round": 1.0},
    "f v": {"jaw": 0.12, "lower": 1.0, "upper": 0.4, "teeth": 0.9},
    "l": {"jaw": 0.35, "tongue": 1.0, "teeth": 0.6},
    "th": {"jaw": 0.22, "tongue": 0.7, "teeth": 0.7},
    "s z": {"jaw": 0.08, "wide": 0.4, "teeth": 1.0, "upper": 0.2},
    "sh": {"jaw": 0.15, "round": 0.5, "teeth": 0.8, "upper": 0.3},
    "r": {"jaw": 0.22, "round": 0.45, "tongue": 0.3},
    "n t d": {"jaw": 0.18, "tongue": 0.6, "teeth": 0.5},
}
OTHERS: dict[str, dict[str, float]] = {
    "blink": {"blink": 1.0},
    "half blink": {"blink": 0.5},
    "smile": {"smile": 1.0},
    "laugh": {"smile": 1.0, "jaw": 0.5, "wide": 0.5, "teeth": 1.0},
    "brow up": {"brow": 1.0},
    "brow down": {"brow": -1.0},
    "look left": {"gaze_x": -1.0},
    "look up right": {"gaze_x": 1.0, "gaze_y": -1.0},
    "look down": {"gaze_y": 1.0},
    "turn left": {"head_x": -1.0},
    "turn right": {"head_x": 1.0},
    "nod": {"head_y": 1.0},
    "chin up": {"head_y": -1.0},
    "roll left": {"head_roll": -1.0},
    "roll right": {"head_roll": 1.0},
    **{f"jaw {jaw:.2f}": {"jaw": jaw} for jaw in (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)},
}
PAIRS = {
    f"{a}+{b}": {a: 1.0, b: 1.0}
    for a, b in product(("jaw", "wide", "round", "upper", "lower", "press", "smile"), repeat=2)
    if a < b
}


def main() -> None:
    """Draw every face in every state."""
    out, *names = sys.argv[1:]
    rows = [sheet(name) for name in (names or FACES)]
    Image.fromarray(np.concatenate(rows)).save(out)


def sheet(name: str) -> Frame:
    """All the states of one face: the poses full, the rest as heads."""
    avatar = FACES[name]()
    renderer = Renderer(avatar, (768, 768))
    poses = avatar.motion.poses
    full = {"idle": poses.idle, "listening": poses.listening, "thinking": poses.thinking, "speaking": poses.speaking}
    heads = {**full, **VISEMES, **OTHERS, **PAIRS}
    return _grid([_cell(renderer, label, state) for label, state in heads.items()], 8)


def _cell(renderer: Renderer, label: str, state: Mapping[str, float]) -> Frame:
    left, top, right, bottom = (round(1.5 * edge) for edge in CROP)
    head = Image.fromarray(renderer.frame(state)[top:bottom, left:right])
    cell = head.resize((CELL, round(CELL * head.height / head.width)), Image.Resampling.LANCZOS)
    ImageDraw.Draw(cell).text((6, 4), label, fill="#000000")
    return np.asarray(cell)


def _grid(cells: list[Frame], columns: int) -> Frame:
    blank = np.full_like(cells[0], 255)
    cells = cells + [blank] * (-len(cells) % columns)
    return np.concatenate([np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)])


if __name__ == "__main__":
    main()
