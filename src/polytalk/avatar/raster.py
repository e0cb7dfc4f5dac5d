"""Pictures of an avatar: RGB frames from parameter vectors, drawn by AGG (celiagg)."""

from collections.abc import Mapping

import celiagg as agg
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar, Layer, Paint, Stroke
from polytalk.avatar.flatten import flatten
from polytalk.avatar.rig import Floats, Rig, Shape

Frame = NDArray[np.uint8]
"""[H, W, 3], RGB."""
_CAPS = {"butt": agg.LineCap.CapButt, "round": agg.LineCap.CapRound, "square": agg.LineCap.CapSquare}
_TOLERANCE = 0.1
"""How far a flattened curve may lie beside the true one, in pixels of the picture."""
_INVISIBLE = 1 / 512
"""Opacity under which a layer can't change an 8-bit pixel."""


class Renderer:
    """Draws one avatar at one size.

    Keeps buffers between frames, so it belongs to one thread; several renderers may run side by side. The frame
    returned is the caller's own.
    """

    def __init__(self, avatar: Avatar, size: tuple[int, int] = (512, 512)) -> None:
        """`size` is (width, height); the picture is stretched to it."""
        self._layers = avatar.layers
        self._scale = np.array([size[0] / avatar.size[0], size[1] / avatar.size[1]])
        flat = [flatten(layer, _TOLERANCE / float(self._scale.max())) for layer in avatar.layers]
        self._rig = Rig(avatar, [rows for rows, _ in flat])
        self._subpaths = [subpaths for _, subpaths in flat]
        self._fills = [None if layer.fill is None else _paint(layer.fill) for layer in avatar.layers]
        self._strokes = [None if layer.stroke is None else _paint(layer.stroke.color) for layer in avatar.layers]
        self._states = [_state(layer, float(self._scale.mean())) for layer in avatar.layers]
        self._masks = {layer.clip: _Mask(size) for layer in avatar.layers if layer.clip is not None}
        self._background = self._paint_background(avatar, size)
        self._first = 0
        while self._first < len(self._layers) and _still(self._layers[self._first]):
            self._first += 1
        still = self._rig.evaluate({})
        self._draw_layers(self._background, still, range(self._first))

    def frame(self, params: Mapping[str, float]) -> Frame:
        """The picture under `params`, [H, W, 3] RGB."""
        picture = self._background.copy()
        self._draw_layers(picture, self._rig.evaluate(params), range(self._first, len(self._layers)))
        return picture

    def _draw_layers(self, picture: Frame, shape: Shape, which: range) -> None:
        canvas = agg.CanvasRGB24(picture)
        affines = shape.affine * self._scale[:, None]
        for index in which:
            layer = self._layers[index]
            mask = self._masks.get(layer.id)
            visible = shape.opacity[index] > _INVISIBLE and (layer.fill is not None or layer.stroke is not None)
            if mask is None and not visible:
                continue
            affine = affines[index]
            coords = shape.coords[self._rig.slices[index]].reshape(-1, 2) @ affine[:, :2].T + affine[:, 2]
            path = self._path(index, coords)
            if mask is not None:
                mask.draw(path)
            if visible:
                self._draw(canvas, index, path, affine, float(shape.opacity[index]))

    def _path(self, index: int, coords: Floats) -> agg.Path:
        path = agg.Path()
        for start, end, closed in self._subpaths[index]:
            path.lines(coords[start:end])
            if closed:
                path.close()
        return path

    def _draw(self, canvas: agg.CanvasRGB24, index: int, path: agg.Path, affine: Floats, opacity: float) -> None:
        layer, state = self._layers[index], self._states[index]
        state.master_alpha = opacity
        if layer.clip is not None:
            state.stencil = self._masks[layer.clip].image
        fill, stroke = self._fills[index], self._strokes[index]
        if fill is not None:
            fill.transform = agg.Transform(
                affine[0, 0], affine[1, 0], affine[0, 1], affine[1, 1], affine[0, 2], affine[1, 2]
            )
            state.drawing_mode = agg.DrawingMode.DrawFill
            canvas.draw_shape(path, _IDENTITY, state, fill=fill)
        if stroke is not None:
            state.drawing_mode = agg.DrawingMode.DrawStroke
            canvas.draw_shape(path, _IDENTITY, state, stroke=stroke)

    def _paint_background(self, avatar: Avatar, size: tuple[int, int]) -> Frame:
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        path = agg.Path()
        path.rect(0, 0, *avatar.size)
        scale = agg.Transform(self._scale[0], 0, 0, self._scale[1], 0, 0)
        state = agg.GraphicsState(drawing_mode=agg.DrawingMode.DrawFill)
        agg.CanvasRGB24(picture).draw_shape(path, scale, state, fill=_paint(avatar.background))
        return picture


_IDENTITY = agg.Transform()


class _Mask:
    """The coverage of a clipping path, as the stencil of the layers that it clips."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._pixels = np.zeros((size[1], size[0]), np.uint8)
        self._canvas = agg.CanvasG8(self._pixels)
        self._state = agg.GraphicsState(drawing_mode=agg.DrawingMode.DrawFill)
        self.image = agg.Image(self._pixels, agg.PixelFormat.Gray8)

    def draw(self, path: agg.Path) -> None:
        self._pixels.fill(0)
        self._canvas.draw_shape(path, _IDENTITY, self._state, fill=_WHITE)


def _still(layer: Layer) -> bool:
    """Whether no parameter changes the layer; those at the bottom are painted once, with the background."""
    return not (layer.deltas or layer.opacity_deltas or layer.depth or layer.roll or layer.clip)


def _state(layer: Layer, scale: float) -> agg.GraphicsState:
    stroke = layer.stroke or Stroke("#000000", 1.0)
    return agg.GraphicsState(
        line_width=stroke.width * scale, line_cap=_CAPS[stroke.cap], line_join=agg.LineJoin.JoinRound
    )


def _paint(paint: Paint) -> agg.SolidPaint | agg.LinearGradientPaint | agg.RadialGradientPaint:
    if isinstance(paint, str):
        return agg.SolidPaint(*_rgb(paint), 1.0)
    stops = tuple((offset, *_rgb(color), alpha) for offset, color, alpha in paint.stops)
    how = (agg.GradientSpread.SpreadPad, agg.GradientUnits.UserSpace)
    if paint.linear is not None:
        return agg.LinearGradientPaint(*paint.linear, stops, *how)
    assert paint.radial is not None, "bundle.parse checks that a gradient has a geometry"
    x, y, radius = paint.radial
    return agg.RadialGradientPaint(x, y, radius, x, y, stops, *how)


def _rgb(color: str) -> tuple[float, float, float]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))  # type: ignore[return-value]


_WHITE = agg.SolidPaint(1.0, 1.0, 1.0, 1.0)
