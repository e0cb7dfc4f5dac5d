"""Which of the 478 landmarks is what, and what their positions say. Left and right are the picture's."""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
"""[478, 3] in pixels, as in `landmarks.Landmarks`."""

FOREHEAD, CHIN = 10, 152
LEFT_SIDE, RIGHT_SIDE = 234, 454
NOSE_TIP = 1
BROWS_MIDDLE, NOSE_ROOT, NOSE_BRIDGE, NOSE_BACK = 9, 168, 6, 197
LEFT_EYE = (33, 133)
"""Outer and inner corner."""
RIGHT_EYE = (263, 362)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""The edge of the mouth's opening, around it."""
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""The edge of the lips, around them."""
EYES = (33, 133, 159, 145, 362, 263, 386, 374, 70, 300)
"""Around both eyes and brows."""
LEFT_CHEEK = (50, 205, 117, 118, 101)
RIGHT_CHEEK = (280, 425, 346, 347, 330)
BARE_FOREHEAD = (109, 338, 107, 336)


def roll(points: Points) -> float:
    """How far the head is tilted to a shoulder, in degrees, clockwise."""
    across = points[RIGHT_EYE[0]] - points[LEFT_EYE[0]]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def yaw(points: Points) -> float:
    """How far the head is turned to a side, in degrees; 0 is frontal."""
    across = points[RIGHT_SIDE] - points[LEFT_SIDE]
    return float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))


def pitch(points: Points) -> float:
    """How far the head is lowered, in degrees; the model sees about 8 in a face that looks straight ahead."""
    down = points[CHIN] - points[FOREHEAD]
    return float(np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1]))))


def nose_offset(points: Points) -> float:
    """How far the tip of the nose is from the middle between the eyes, along their line, in distances of the eyes."""
    left, right = points[LEFT_EYE[0], :2], points[RIGHT_EYE[0], :2]
    across = right - left
    return float((points[NOSE_TIP, :2] - (left + right) / 2) @ across / (across @ across))


def mouth_gap(points: Points) -> float:
    """Height of the mouth's opening over its width."""
    opening = np.linalg.norm(points[13, :2] - points[14, :2])
    return float(opening / max(1e-6, float(np.linalg.norm(points[78, :2] - points[308, :2]))))


def face_width(points: Points) -> float:
    """From ear to ear, in pixels."""
    return float(np.linalg.norm(points[LEFT_SIDE, :2] - points[RIGHT_SIDE, :2]))
