"""How good a face is, measured on what it draws: lips of the codebook, the patch's border, lips that seal."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from polytalk.avatar.bundle import Motion
from polytalk.avatar.motion import perform
from polytalk.avatar.photo.anatomy import luminance
from polytalk.avatar.photo.codebook import MOUTH
from polytalk.avatar.photo.face import PhotoFace
from polytalk.avatar.photo.mesh import evaluate
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.photo.visemes import MOUTHS
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, Seconds

Moves = Sequence[Mapping[str, float]]


PHONES = 12
"""A second, of `speech`."""


def speech(motion: Motion, seconds: Seconds, fps: float = 25.0, seed: int = 1) -> list[dict[str, float]]:
    """What a face does that speaks all the time: parameters of frames, mouths in a random order."""
    shapes = np.array([[mouth.get(name, 0.0) for name in MOUTH_PARAMS] for mouth in MOUTHS.values()])
    keys = shapes[np.random.default_rng(seed).integers(0, len(shapes), int(seconds * PHONES) + 2)]
    at = np.arange(round(seconds * MOUTH_RATE)) / MOUTH_RATE * PHONES
    before, share = at.astype(int), (at % 1)[:, None]
    frames = np.rint(255 * (keys[before] * (1 - share) + keys[before + 1] * share)).astype(np.uint8)
    return list(perform(motion, seconds, states=[(0.0, "speaking")], mouth=frames.tobytes(), fps=fps, seed=seed))


def cost(draw: Callable[[Mapping[str, float]], object], moves: Moves) -> Seconds:
    """CPU time of this thread for one picture, over all of them in order."""
    began = time.thread_time()
    for parameters in moves:
        draw(parameters)
    return (time.thread_time() - began) / len(moves)


class LipError(NamedTuple):
    """Pixels between the lips' edges of a frame and those that its parameters ask for."""

    mean: float
    p95: float


def lip_error(renderer: PhotoRenderer, moves: Moves) -> LipError:
    """Of the codebook against the mesh, over all places along the lips in all frames."""
    book, found = renderer.codebook, []
    for parameters in moves:
        vector = book.terms.vector({name: parameters.get(name, 0.0) for name in MOUTH})
        blend = book.find(vector)
        first, second = book.lips(book.vectors[[blend.first, blend.second]])
        away = first * (1 - blend.share) + second * blend.share - book.lips(vector)
        found.append(np.linalg.norm(away, axis=-1))
    distance = np.array(found)
    return LipError(float(distance.mean()), float(np.percentile(distance, 95)))


def seam(renderer: PhotoRenderer, moves: Moves) -> float:
    """Mean step of brightness across the border of the mouth's patch, over that of the portrait at the same place."""
    left, top, right, bottom = renderer.face.jaw_box
    portrait = renderer.face.portrait

    def steps(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
        light = luminance(picture)
        edges = [
            light[top, left:right] - light[top - 1, left:right] if top else np.zeros(0),
            light[top:bottom, left] - light[top:bottom, left - 1] if left else np.zeros(0),
            light[top:bottom, right] - light[top:bottom, right - 1] if right < len(light) else np.zeros(0),
            light[bottom, left:right] - light[bottom - 1, left:right] if bottom < len(light) else np.zeros(0),
        ]
        return float(np.abs(np.concatenate(edges)).mean())

    found = []
    for parameters in moves:
        picture = portrait.copy()
        picture[top:bottom, left:right] = renderer.patch(parameters)[0]
        found.append(steps(picture))
    return float(np.mean(found)) / max(1e-6, steps(portrait))


def opening(face: PhotoFace, parameters: Mapping[str, float]) -> float:
    """Largest gap between the lips in widths of the mouth, from the mesh; negative where they would cross."""
    gaps = lip_gaps(face, parameters)
    least, most = float(gaps.min()), float(gaps.max())
    return least if least < -1e-3 else most


def lip_gaps(face: PhotoFace, parameters: Mapping[str, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """[L] gaps along the lips, from corner to corner, in widths of the mouth at rest."""
    sheet = face.sheet("mouth")
    rest = sheet.vertices[face.lips[1]]
    across = (rest[-1] - rest[0]).astype(np.float64)
    width = float(np.linalg.norm(across))
    down = np.array([-across[1], across[0]]) / width
    places = evaluate(face, sheet, {name: parameters.get(name, 0.0) for name in MOUTH}).astype(np.float64)
    gaps: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = (
        (places[face.lips[2]] - places[face.lips[1]]) @ down / width
    )
    return gaps
