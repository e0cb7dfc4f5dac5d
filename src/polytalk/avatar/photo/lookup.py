"""Bilinear look-up in a picture, by OpenCV."""

from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Element = TypeVar("Element", bound=np.generic)
_CV: Any = cv2
"""Its stubs forget that the second map may be None."""


def look_up(picture: NDArray[Element], places: NDArray[np.float32]) -> NDArray[Element]:
    """[H, W, C] of the picture at places [H, W, 2] (x, y), counted in pixels from the centre of the first one.

    Outside of the picture its border is repeated.
    """
    found = _CV.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cast(NDArray[Element], found)
