"""Layers from outlines: displacement fields become the deltas of the bundle format."""

from collections.abc import Mapping

import numpy as np

from polytalk.avatar.bundle import Layer, Paint, Stroke
from tools.draw_avatars.geometry import Field, Outline, Points

_SMALLEST = 0.2
"""Pixels: a delta that moves nothing further is left out."""


def layer(
    name: str,
    outline: Outline,
    fill: Paint | None = None,
    *,
    fields: Mapping[str, Field | Points] | None = None,
    depth: float = 1.0,
    roll: float = 1.0,
    stroke: Stroke | None = None,
    opacity: float = 1.0,
    opacity_deltas: Mapping[str, float] | None = None,
    clip: str | None = None,
) -> Layer:
    """A layer whose anchors move by `fields` (functions of the anchors, or displacements [n, 2] or [2])."""
    deltas: dict[str, list[float]] = {}
    for term, field in (fields or {}).items():
        moved = field(outline.anchors) if callable(field) else field
        change = outline.coordinates(np.broadcast_to(moved, outline.anchors.shape))
        if np.abs(change).max() >= _SMALLEST:
            deltas[term] = _numbers(change)
    return Layer(
        id=name,
        ops=outline.ops,
        points=_numbers(outline.coordinates()),
        depth=depth,
        roll=roll,
        deltas=deltas,
        fill=fill,
        stroke=stroke,
        opacity=opacity,
        opacity_deltas=dict(opacity_deltas or {}),
        clip=clip,
    )


def _numbers(coordinates: Points) -> list[float]:
    # Adding 0.0 turns -0.0 into 0.0.
    return [round(float(value), 1) + 0.0 for value in coordinates.ravel()]
