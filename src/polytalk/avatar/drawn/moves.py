"""How the head's motion and breath move every place of a drawing, as fields for one warp of all layers together.

A field can't show what was hidden, so a layer's motion reaches `REACH` cells beyond its edge: the edge moves as its
layer does, and what lies behind is stretched there.
"""

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar, Layer
from polytalk.avatar.drawn.regions import SWAY
from polytalk.avatar.raster import Renderer
from polytalk.avatar.warp import CELL, Floats, Warp

REACH = 2
"""Cells ..."""
SOFT = 3
"""... and over so many, one motion goes over into the next."""


def warp_of(avatar: Avatar, size: tuple[int, int]) -> Warp:
    """Of a drawing at a size (width, height) in multiples of `CELL`. Takes some 0.1 s."""
    columns, rows = size[0] // CELL, size[1] // CELL
    scale = np.array([size[0] / avatar.size[0], size[1] / avatar.size[1]], np.float32)
    places = np.meshgrid((np.arange(columns) + 0.5) * CELL / scale[0], (np.arange(rows) + 0.5) * CELL / scale[1])
    at = np.stack(places, -1).astype(np.float32)  # [rows, columns, 2] in the drawing's pixels
    depth, roll, sway = np.zeros((rows, columns)), np.zeros((rows, columns)), np.zeros((rows, columns, 2))
    masks: dict[str, NDArray[np.uint8]] = {}
    kernel = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    for layer in avatar.layers:
        mask = _covers(avatar, layer, (columns, rows))
        if layer.clip is not None:
            mask = mask & masks[layer.clip]
        masks[layer.id] = mask
        there = cv2.dilate(mask, kernel).astype(bool)
        depth[there], roll[there] = layer.depth, layer.roll
        sway[there] = _swayed(layer, at[there])
    x, y = np.moveaxis(at - np.array(avatar.pivot, np.float32), -1, 0)
    none = np.zeros_like(x)
    pairs = (
        np.moveaxis(sway, -1, 0),
        (depth * avatar.head.shift[0], none),
        (none, depth * avatar.head.shift[1]),
        # Of an angle that is the layer's share of the whole one: 1 - cos grows with its square.
        (roll**2 * x, roll**2 * y),
        (-roll * y, roll * x),
    )
    fields = [np.stack(list(pair), -1) * scale for pair in pairs]
    moves: Floats = np.stack([cv2.blur(field, (SOFT, SOFT)) for field in fields]).astype(np.float32)
    return Warp([SWAY], moves, float(np.radians(avatar.head.roll)), size)


def _covers(avatar: Avatar, layer: Layer, cells: tuple[int, int]) -> NDArray[np.uint8]:
    """[rows, columns]: 1 where the layer is at rest, whatever clips it."""
    if layer.fill is None:
        return np.zeros(cells[::-1], np.uint8)
    white = replace(layer, fill="#ffffff", stroke=None, opacity=1.0, deltas={}, opacity_deltas={}, clip=None)
    shown = Renderer(replace(avatar, background="#000000", layers=[white]), cells).frame({})
    return (shown[..., 0] > 127).astype(np.uint8)


def _swayed(layer: Layer, at: Floats) -> Floats | float:
    """[n, 2]: the deltas of the outline's points, weighted by nearness to each place."""
    if SWAY not in layer.deltas:
        return 0.0
    points, deltas = (np.array(one, np.float32).reshape(-1, 2) for one in (layer.points, layer.deltas[SWAY]))
    square = ((at[:, None] - points) ** 2).sum(-1)
    weights = 1.0 / (square + 1.0) ** 2
    swayed: Floats = (weights @ deltas) / weights.sum(1, keepdims=True)
    return swayed
