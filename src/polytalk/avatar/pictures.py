"""What renderers give, whatever they draw."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Form: TypeAlias = Literal["full", "jaw"]
"""The whole picture, or the part of it that speech moves."""
Frame: TypeAlias = NDArray[np.uint8]
"""[H, W, 3] RGB."""
Box: TypeAlias = tuple[int, int, int, int]
"""left, top, right, bottom in pixels of the picture."""
Plane: TypeAlias = NDArray[np.uint8]
Planes: TypeAlias = tuple[Plane, Plane, Plane]
"""Y', Cb and Cr of a picture, as the layout "yuv420" of `types.Layout` has them."""
DrawPlanes: TypeAlias = Callable[[Mapping[str, float]], Planes]
"""Draws one session's pictures, in order. What it gives stays its own, and is drawn over by the next call."""
