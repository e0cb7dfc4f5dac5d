"""What was drawn of one region, in memory and on the shelf, and what draws more of it."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from polytalk.avatar.bundle import Avatar, Layer
from polytalk.avatar.drawn.book import Shapes
from polytalk.avatar.drawn.regions import Region
from polytalk.avatar.pictures import Box
from polytalk.avatar.planes import Planes
from polytalk.avatar.raster import Renderer
from polytalk.avatar.shelf import Shelf
from polytalk.avatar.terms import SIGNED

LEAST = 16
"""Shapes, however little memory there is."""
FINE = 4095
"""Steps of a parameter: 0.01 pixels, and three hexadecimal digits of a file's name."""


class Drawn(NamedTuple):
    """A shape: a patch for every box of the region."""

    planes: tuple[Planes, ...]
    name: str
    """No other shape's."""


class Patches:
    """Of one region. The longest unused one makes room."""

    def __init__(
        self, avatar: Avatar, size: tuple[int, int], region: Region, shapes: Shapes, kept: int, shelf: Shelf | None
    ) -> None:
        """`kept` is in bytes; `shelf` may be shared with other regions."""
        scale = size[0] / avatar.size[0], size[1] / avatar.size[1]
        self._region, self._shelf, self._shapes = region, shelf, shapes
        self._bytes = [(right - left) * (bottom - top) * 3 // 2 for left, top, right, bottom in region.boxes]
        self._room = max(LEAST, kept // max(1, sum(self._bytes)))
        self._pens = [_pen(avatar, size, box, scale, region) for box in region.boxes]
        self._drawn: OrderedDict[str, Drawn | None] = OrderedDict()
        """None for what is on the shelf, until it is asked for."""
        self._prefix = f"{region.names[0]}-"
        self._remember()

    def __len__(self) -> int:
        """Shapes in memory."""
        return sum(one is not None for one in self._drawn.values())

    def find(self, parameters: Mapping[str, float]) -> Drawn:
        """The shape that stands for the parameters: nobody sees a difference."""
        if not self._region.boxes:
            return Drawn((), "")
        name = self._name(self._shapes.find(parameters))
        found = self._drawn.get(name)
        if found is None:
            if name not in self._drawn and len(self._drawn) == self._room:
                self._forget(next(iter(self._drawn)))
            found = self._drawn[name] = Drawn(self._read(name) or self._draw(name), name)
        self._drawn.move_to_end(name)
        return found

    def _remember(self) -> None:
        """What other processes drew: their names now, their pictures when they are asked for."""
        if self._shelf is None or not self._region.boxes:
            return
        wanted = len(self._prefix) + 3 * len(self._region.names)
        mine = [name for name in self._shelf.names() if name.startswith(self._prefix) and len(name) == wanted]
        for name in mine[self._room :]:
            self._shelf.drop(name)
        self._drawn = OrderedDict.fromkeys(reversed(mine[: self._room]))

    def _forget(self, name: str) -> None:
        del self._drawn[name]
        if self._shelf is not None:
            self._shelf.drop(name)

    def _draw(self, name: str) -> tuple[Planes, ...]:
        planes = tuple(Planes.of(pen.frame(self._parameters(name))) for pen in self._pens)
        if self._shelf is not None:
            self._shelf.write(name, [plane.tobytes() for one in planes for plane in one])
        return planes

    def _read(self, name: str) -> tuple[Planes, ...] | None:
        data = self._shelf.read(name, sum(self._bytes)) if self._shelf is not None else None
        if data is None:
            return None
        ends = np.cumsum(self._bytes).tolist()
        return tuple(
            Planes.read(data[end - length : end], right - left, bottom - top)
            for end, length, (left, top, right, bottom) in zip(ends, self._bytes, self._region.boxes, strict=True)
        )

    def _name(self, parameters: Mapping[str, float]) -> str:
        numbers = (_step(name, parameters.get(name, 0.0)) for name in self._region.names)
        return self._prefix + "".join(f"{number:03x}" for number in numbers)

    def _parameters(self, name: str) -> dict[str, float]:
        digits = name[len(self._prefix) :]
        steps = (int(digits[at : at + 3], 16) / FINE for at in range(0, len(digits), 3))
        return {
            one: 2.0 * step - 1.0 if one in SIGNED else step
            for one, step in zip(self._region.names, steps, strict=True)
        }


def _step(name: str, value: float) -> int:
    share = (value + 1.0) / 2.0 if name in SIGNED else value
    return round(min(1.0, max(0.0, share)) * FINE)


def _pen(avatar: Avatar, size: tuple[int, int], box: Box, scale: tuple[float, float], region: Region) -> Renderer:
    """Draws the box alone: without layers that never reach into it, on a picture of those below all that move."""
    inside = [layer for layer in avatar.layers if layer.id in region.layers or _reaches(layer, box, scale)]
    first = next(index for index, layer in enumerate(inside) if layer.id in region.layers)
    under, over = (_closed(avatar, layers) for layers in (inside[:first], inside[first:]))
    return Renderer(over, size, box, Renderer(under, size, box).frame({}) if inside[:first] else None)


def _closed(avatar: Avatar, layers: list[Layer]) -> Avatar:
    """Of these layers alone. What clips one without being among them is there, and not to be seen."""
    ids = {layer.id for layer in layers}
    clips = {layer.clip for layer in layers} - ids
    hidden = [replace(layer, opacity=0.0, opacity_deltas={}) for layer in avatar.layers if layer.id in clips]
    there = {layer.id: layer for layer in (*layers, *hidden)}
    return replace(avatar, layers=[there[layer.id] for layer in avatar.layers if layer.id in there])


def _reaches(layer: Layer, box: Box, scale: tuple[float, float]) -> bool:
    """At rest. A curve stays within its control points."""
    line = layer.stroke.width if layer.stroke else 0.0
    x, y = layer.points[::2], layer.points[1::2]
    return (
        (min(x) - line) * scale[0] < box[2]
        and (max(x) + line) * scale[0] > box[0]
        and (min(y) - line) * scale[1] < box[3]
        and (max(y) + line) * scale[1] > box[1]
    )
