"""What a frame costs: `python -m tools.draw_avatars.timing` prints CPU milliseconds on this machine."""

import time

import numpy as np

from polytalk.avatar.bundle import library
from polytalk.avatar.motion import perform
from polytalk.avatar.raster import Renderer
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE

SECONDS = 6


def main() -> None:
    """Time every shipped face while it speaks noise: the mouth changes with every frame, as in speech."""
    noise = np.random.default_rng(0).integers(0, 256, (SECONDS * MOUTH_RATE, len(MOUTH_PARAMS)), dtype=np.uint8)
    for avatar in library():
        renderer, costs = Renderer(avatar), []
        for parameters in perform(avatar.motion, SECONDS, states=[(0.0, "speaking")], mouth=noise.tobytes()):
            start = time.process_time()
            renderer.frame(parameters)
            costs.append((time.process_time() - start) * 1e3)
        median, slow = np.percentile(costs, [50, 95])
        print(f"{avatar.id}: {len(avatar.layers)} layers, {median:.1f} ms a frame, 95 % under {slow:.1f} ms")


if __name__ == "__main__":
    main()
