"""A contact sheet of one face, to be looked at: mouth shapes, poses, blinks, extremes."""

from collections.abc import Mapping

import cv2
import numpy as np

from polytalk.avatar.photo.face import PhotoFace, Picture
from polytalk.avatar.photo.mesh import Box, draw
from polytalk.avatar.photo.scale import resized
from polytalk.avatar.photo.visemes import MOUTHS

CELL = 320
FACES: dict[str, dict[str, float]] = {
    "smile": {"smile": 1.0},
    "blink 1/3": {"blink": 0.33},
    "blink 2/3": {"blink": 0.66},
    "shut": {"blink": 1.0},
    "left up": {"gaze_x": -1.0, "gaze_y": -1.0},
    "right down": {"gaze_x": 1.0, "gaze_y": 1.0},
    "brows": {"brow": 1.0},
    "turn left": {"head_x": -1.0},
    "turn right": {"head_x": 1.0},
    "nod": {"head_y": 1.0},
    "up": {"head_y": -1.0, "breath": 1.0},
    "roll": {"head_roll": 1.0, "jaw": 1.0, "round": 1.0},
    "all": {"head_x": 0.6, "head_roll": -1.0, "smile": 1.0, "jaw": 1.0, "wide": 1.0},
}


def sheet(face: PhotoFace) -> Picture:
    """RGB: four rows of mouths, then two of whole faces, with captions."""
    left, top, right, bottom = face.jaw_box
    half = max(right - left, bottom - top) / 2
    close = resized(face, min(face.size, round(face.size * CELL / (2 * half))))
    whole = resized(face, CELL)
    scale = close.size / face.size
    x, y = round((left + right) / 2 * scale - CELL / 2), round((top + bottom) / 2 * scale - CELL / 2)
    cells = [_cell(close, name, moves, (x, y, x + CELL, y + CELL)) for name, moves in MOUTHS.items()]
    cells += [_cell(whole, name, moves, (0, 0, CELL, CELL)) for name, moves in FACES.items()]
    columns = 4
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.concatenate(cells[at : at + columns], axis=1) for at in range(0, len(cells), columns)]
    return np.concatenate(rows, axis=0)


def _cell(face: PhotoFace, name: str, moves: Mapping[str, float], box: Box) -> Picture:
    small = draw(face, moves, box)
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(small, name, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thickness, cv2.LINE_AA)
    return small
