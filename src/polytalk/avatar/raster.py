"""Pictures of an avatar: RGB frames from parameter vectors, drawn by ThorVG's software engine."""

import weakref
from collections.abc import Mapping
from functools import cache

import numpy as np
import thorvg_cython as tvg

from polytalk.avatar.bundle import Avatar, Gradient, Layer, Paint
from polytalk.avatar.pictures import Box, Form, Frame
from polytalk.avatar.rig import Floats, Rig, Shape

_COMMANDS = {
    "M": tvg.PathCommand.MOVE_TO,
    "L": tvg.PathCommand.LINE_TO,
    "C": tvg.PathCommand.CUBIC_TO,
    "Q": tvg.PathCommand.CUBIC_TO,
    "Z": tvg.PathCommand.CLOSE,
}
_CAPS = {"butt": tvg.StrokeCap.BUTT, "round": tvg.StrokeCap.ROUND, "square": tvg.StrokeCap.SQUARE}


class Renderer:
    """Draws one avatar at one size.

    Holds a scene that each frame changes, and ThorVG shares memory between canvases: use all renderers of a process
    from one thread. The frame returned is the caller's own.
    """

    def __init__(
        self,
        avatar: Avatar,
        size: tuple[int, int] = (512, 512),
        box: Box | None = None,
        under: Frame | None = None,
    ) -> None:
        """`size` is (width, height); the picture is stretched to it. `box` is the part of it that is drawn.

        `under` is a picture of that part to paint on instead of the avatar's background.
        """
        _engine()
        self._rig = Rig(avatar)
        self._scale = np.array([[size[0] / avatar.size[0]], [size[1] / avatar.size[1]]])
        self._corner = np.zeros((2, 3))
        if box is not None:
            self._corner[:, 2] = box[:2]
            size = (box[2] - box[0], box[3] - box[1])
        # Its partial rendering would clear what a frame does not touch: the background is laid under every frame here.
        self._canvas = tvg.SwCanvas(*size, tvg.Colorspace.ABGR8888, tvg.EngineOption.NONE)
        # Its Python object does not free what is behind it.
        weakref.finalize(self, self._canvas.destroy)
        self._pixels = np.frombuffer(self._canvas, np.uint8).reshape(size[1], size[0], 4)
        self._outlines = [_Outline(layer) for layer in avatar.layers]
        self._shapes = [_shape(layer) for layer in avatar.layers]
        fills = enumerate(layer.fill for layer in avatar.layers)
        self._gradients = {index: fill for index, fill in fills if isinstance(fill, Gradient)}
        number = {layer.id: index for index, layer in enumerate(avatar.layers)}
        self._clip_of = [-1 if layer.clip is None else number[layer.clip] for layer in avatar.layers]
        self._affine = np.full((len(avatar.layers), 2, 3), np.nan)
        self._opacity = np.full(len(avatar.layers), np.nan)
        # The canvas keeps bare pointers: whatever is added to it must stay referenced here.
        self._clipping: dict[int, list[tvg.Shape]] = {}
        """By the layer that they are copies of."""
        self._scenes: list[tvg.Scene] = []
        self._paint_background(avatar)
        if under is not None:
            self._background[..., :3] = under
        self._build()

    def frame(self, params: Mapping[str, float]) -> Frame:
        """The picture under `params`, [H, W, 3] RGB."""
        self._pose(self._rig.evaluate(params))
        self._pixels[:] = self._background
        self._canvas.update()
        self._canvas.draw(False)
        self._canvas.sync()
        return self._pixels[..., :3].copy()

    def patch(self, params: Mapping[str, float]) -> tuple[Frame, tuple[int, int, int, int]]:
        """Vector art has no cheaper part: the whole picture, and its box."""
        picture = self.frame(params)
        return picture, (0, 0, picture.shape[1], picture.shape[0])

    def planes(self, form: Form) -> None:
        """The engine paints RGB alone."""

    def _pose(self, shape: Shape) -> None:
        """Tell the shapes what has changed since the last picture: every word to them takes longer than to compare."""
        affine = shape.affine * self._scale - self._corner
        moved = (affine != self._affine).any(axis=(1, 2))
        faded = shape.opacity != self._opacity
        self._affine, self._opacity = affine, shape.opacity
        for index, (outline, part) in enumerate(zip(self._outlines, self._rig.slices, strict=True)):
            path = outline.changed(shape.coords[part])
            # What is clipped is cut anew only if it is told of: a layer is touched with the one that clips it.
            moved[index] |= path is not None or (self._clip_of[index] >= 0 and moved[self._clip_of[index]])
            if moved[index]:
                matrix = _matrix(affine[index])
                for painted in (self._shapes[index], *self._clipping.get(index, ())):
                    if path is not None:
                        painted.reset()
                        painted.append_path(outline.commands, path)
                    painted.set_transform(matrix)
                gradient = self._gradients.get(index)
                if gradient is not None:
                    # ThorVG 1.0 leaves a gradient where it was first painted unless it is set anew.
                    self._shapes[index].set_gradient(_gradient(gradient))
            if faded[index]:
                self._shapes[index].set_opacity(round(float(shape.opacity[index]) * 255))

    def _build(self) -> None:
        """Add every layer; neighbours with the same clip share a scene, so that it is rasterised once for them."""
        last = -1
        for clip, painted in zip(self._clip_of, self._shapes, strict=True):
            if clip < 0:
                self._canvas.add(painted)
            else:
                if clip != last:
                    self._open_clip(clip)
                self._scenes[-1].add(painted)
            last = clip

    def _open_clip(self, index: int) -> None:
        clip, scene = tvg.Shape(), tvg.Scene()
        clip.set_fill_color(255, 255, 255)
        scene.set_clip(clip)
        self._canvas.add(scene)
        self._clipping.setdefault(index, []).append(clip)
        self._scenes.append(scene)

    def _paint_background(self, avatar: Avatar) -> None:
        sheet = tvg.Shape()
        sheet.append_rect(0, 0, *avatar.size)
        _fill(sheet, avatar.background)
        sheet.set_transform(_matrix(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) * self._scale - self._corner))
        self._canvas.add(sheet)
        self._canvas.update()
        self._canvas.draw(True)
        self._canvas.sync()
        self._canvas.remove(sheet)
        self._background = self._pixels.copy()


class _Outline:
    """A layer's path in ThorVG's terms, which has no quadratic curves: they are raised to cubic ones."""

    def __init__(self, layer: Layer) -> None:
        self._last: Floats | None = None
        self.commands = [_COMMANDS[op] for op in layer.ops]
        rows: list[dict[int, float]] = []
        at = 0
        for op in layer.ops:
            if op == "Q":
                rows += [{at - 1: 1 / 3, at: 2 / 3}, {at: 2 / 3, at + 1: 1 / 3}, {at + 1: 1.0}]
                at += 2
            else:
                count = {"M": 1, "L": 1, "C": 3, "Z": 0}[op]
                rows += [{at + i: 1.0} for i in range(count)]
                at += count
        self._raise: Floats | None = None
        if "Q" in layer.ops:
            self._raise = np.zeros((len(rows), at))
            for row, weights in enumerate(rows):
                for column, weight in weights.items():
                    self._raise[row, column] = weight

    def changed(self, coords: Floats) -> list[tuple[float, float]] | None:
        """The points of the commands, or None if they are those of the last call: half of the layers only shift."""
        if self._last is not None and np.array_equal(coords, self._last):
            return None
        self._last = coords
        pairs = coords.reshape(-1, 2)
        if self._raise is not None:
            pairs = self._raise @ pairs
        return [(x, y) for x, y in pairs.tolist()]


@cache
def _engine() -> tvg.Engine:
    """ThorVG, started once a process. No threads of its own: a worker has one core."""
    return tvg.Engine(0)


def _shape(layer: Layer) -> tvg.Shape:
    shape = tvg.Shape()
    if layer.fill is not None:
        _fill(shape, layer.fill)
    if layer.stroke is not None:
        shape.set_stroke_width(layer.stroke.width)
        shape.set_stroke_color(*_rgb(layer.stroke.color))
        shape.set_stroke_cap(_CAPS[layer.stroke.cap])
        shape.set_stroke_join(tvg.StrokeJoin.ROUND)
    return shape


def _fill(shape: tvg.Shape, paint: Paint) -> None:
    if isinstance(paint, Gradient):
        shape.set_gradient(_gradient(paint))
    else:
        shape.set_fill_color(*_rgb(paint))


def _gradient(paint: Gradient) -> tvg.Gradient:
    if paint.linear is not None:
        gradient = tvg.LinearGradient(*paint.linear)
    else:
        assert paint.radial is not None, "bundle.parse checks that a gradient has a geometry"
        x, y, radius = paint.radial
        gradient = tvg.RadialGradient(x, y, radius, x, y, 0.0)
    gradient.set_color_stops([tvg.ColorStop(at, *_rgb(color), round(alpha * 255)) for at, color, alpha in paint.stops])
    return gradient


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _matrix(affine: Floats) -> tvg.Matrix:
    return tvg.Matrix(*affine.ravel().tolist(), 0.0, 0.0, 1.0)
