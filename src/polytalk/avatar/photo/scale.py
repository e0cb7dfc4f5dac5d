"""A face at another size: textures reduced once instead of at every frame."""

import cv2
import numpy as np

from polytalk.avatar.photo.face import PhotoFace, Sheet, Turn

Box = tuple[int, int, int, int]


def resized(face: PhotoFace, side: int) -> PhotoFace:
    """The same face with a portrait of `side` pixels."""
    factor = side / face.size
    if factor == 1:
        return face
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    turn = face.turn
    return face._replace(
        portrait=np.asarray(cv2.resize(face.portrait, (side, side), interpolation=how), np.uint8),
        sheets=tuple(_sheet(sheet, np.float32(factor)) for sheet in face.sheets),
        turn=Turn(
            (turn.shift[0] * factor, turn.shift[1] * factor),
            turn.parallax,
            turn.roll,
            (turn.pivot[0] * factor, turn.pivot[1] * factor),
        ),
        jaw_box=scaled(face.jaw_box, factor, side),
        eye_boxes=tuple(scaled(box, factor, side) for box in face.eye_boxes),
    )


def scaled(box: Box, factor: float, side: int) -> Box:
    """Grown to multiples of 8, in which video encoders think."""
    left, top = (int(value * factor) // 8 * 8 for value in box[:2])
    right, bottom = (min(side, -(-int(np.ceil(value * factor)) // 8) * 8) for value in box[2:])
    return left, top, right, bottom


def _sheet(sheet: Sheet, factor: np.float32) -> Sheet:
    return sheet._replace(
        vertices=sheet.vertices * factor,
        uv=sheet.uv * factor if sheet.texture == "portrait" else sheet.uv,
        head=sheet.head * np.array([1, factor], np.float32),
        deltas={term: delta * factor for term, delta in sheet.deltas.items()},
    )
