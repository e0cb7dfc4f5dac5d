"""What a face shows during one answer: the mouth as it speaks, and what it does by itself."""

from collections.abc import Sequence

import numpy as np

from polytalk.avatar.bundle import Motion
from polytalk.avatar.motion import EASE, Actor, eased, mouth_at, smoothstep
from polytalk.avatar.terms import PARAMETERS
from polytalk.types import MOUTH_PARAMS, Seconds


class Performance:
    """One answer's, in order. Its first picture has the pose in which films of a face at rest end (`idling`)."""

    def __init__(self, motion: Motion, enters: Seconds) -> None:
        """`enters`: when the answer is played."""
        self._home = motion.poses.idle
        self._actor = Actor(motion, seed=0)
        self._enters = enters
        self._actor.enter("speaking", enters)

    def rows(self, moments: Sequence[Seconds], mouth: bytes, starts: Seconds) -> bytes:
        """Values of all parameters, float32, [moments, parameters]; the mouth begins at `starts` of the answer."""
        frames = np.frombuffer(mouth, np.uint8).reshape(-1, len(MOUTH_PARAMS)) / 255.0
        rows = []
        for moment in moments:
            spoken = mouth_at(frames, max(0.0, moment - starts))
            shown = self._actor.at(self._enters + moment, spoken)
            if moment < EASE:
                shown = eased(shown, {**self._home, **spoken}, smoothstep(moment / EASE))
            rows.append([shown.get(name, 0.0) for name in PARAMETERS])
        return np.array(rows, "<f4").tobytes()
