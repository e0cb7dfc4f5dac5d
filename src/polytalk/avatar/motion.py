"""What a face does by itself: it breathes, sways, blinks, takes a pose for each state, and nods as it speaks."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.bundle import Motion, Wave
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, Seconds

State: TypeAlias = Literal["idle", "listening", "thinking", "speaking"]
Parameters: TypeAlias = dict[str, float]
EASE: Seconds = 0.6
"""How long a film of a face takes from and to the pose in which others begin and end."""
STILLER = 0.4
"""The share of the head's movement in films at rest: answers may begin at any moment. (Eyes jump in life too.)"""
_HEAD = ("head_x", "head_y", "head_roll")
_NOD_SECONDS = 0.25
"""Time constant of the low-pass between jaw and nod: syllables pass, phones do not."""


def smoothstep(x: float) -> float:
    """0 before 0, 1 after 1, with no corner between."""
    x = min(1.0, max(0.0, x))
    return x * x * (3.0 - 2.0 * x)


def wave(waves: Sequence[Wave], t: Seconds) -> float:
    """The sum of sines at t."""
    return sum(amplitude * math.sin(2 * math.pi * (t / period + phase)) for amplitude, period, phase in waves)


class Blinks:
    """When the eyes close, by a seed: moments are drawn as time goes on, and t may only go forward."""

    def __init__(self, motion: Motion, seed: int) -> None:
        self._every, self._length = motion.blink.every, motion.blink.seconds
        # A game of looks, not of secrets: the seed makes a clip render the same twice.
        self._random = random.Random(seed)
        self._start = self._random.uniform(*self._every)

    def at(self, t: Seconds) -> float:
        """How far the lids are down, 0..1: one period of a raised cosine."""
        while t >= self._start + self._length:
            self._start += self._random.uniform(*self._every)
        if t < self._start:
            return 0.0
        return 0.5 - 0.5 * math.cos(2 * math.pi * (t - self._start) / self._length)


class Actor:
    """Plays one avatar's motion for one session. t may only go forward."""

    def __init__(self, motion: Motion, seed: int = 0) -> None:
        self._motion = motion
        self._blinks = Blinks(motion, seed)
        self._state: State = "idle"
        self._target: Mapping[str, float] = motion.poses.idle
        self._before: Mapping[str, float] = self._target
        self._entered: Seconds = -math.inf
        self._nod = 0.0
        self._last: Seconds | None = None

    def enter(self, state: State, t: Seconds) -> None:
        """Take the pose of `state` from t on, from wherever the face is now."""
        if state != self._state:
            self._before = self._pose(t)
            self._state, self._target, self._entered = state, getattr(self._motion.poses, state), t

    def at(self, t: Seconds, mouth: Mapping[str, float] | None = None) -> Parameters:
        """All parameters at t, with the mouth as given (closed and at rest without it)."""
        result = self._pose(t)
        for name, waves in self._motion.idle.items():
            result[name] = result.get(name, 0.0) + wave(waves, t)
        for name, value in (mouth or {}).items():
            result[name] = result.get(name, 0.0) + value
        for name, gain in self._motion.nod.items():
            result[name] = result.get(name, 0.0) + gain * self._follow(t, mouth)
        self._last = t
        # The mouth's own blink and the spontaneous one are the same lids: the further down wins.
        result["blink"] = max(result.get("blink", 0.0), self._blinks.at(t))
        return result

    def _pose(self, t: Seconds) -> Parameters:
        share = smoothstep((t - self._entered) / self._motion.pose_seconds)
        names = dict.fromkeys((*self._before, *self._target))
        return {name: self._before.get(name, 0.0) * (1 - share) + self._target.get(name, 0.0) * share for name in names}

    def _follow(self, t: Seconds, mouth: Mapping[str, float] | None) -> float:
        if self._last is not None and t > self._last:
            jaw = (mouth or {}).get("jaw", 0.0) if self._state == "speaking" else 0.0
            self._nod += (jaw - self._nod) * (1 - math.exp((self._last - t) / _NOD_SECONDS))
        return self._nod


def mouth_at(frames: NDArray[np.float64], t: Seconds) -> Parameters:
    """The mouth at t of `frames` ([n, 9] in 0..1 at `MOUTH_RATE`), between frames by straight lines."""
    if len(frames) == 0 or not 0.0 <= t < len(frames) / MOUTH_RATE:
        return {}
    at = min(t * MOUTH_RATE, len(frames) - 1.0)
    low = int(at)
    high = min(low + 1, len(frames) - 1)
    row = frames[low] + (frames[high] - frames[low]) * (at - low)
    return dict(zip(MOUTH_PARAMS, map(float, row), strict=True))


def eased(own: Mapping[str, float], home: Mapping[str, float], share: float) -> Parameters:
    """What a face does by itself, led over from its pose at `home`, at a share of 0, to all of it, at 1."""
    names = dict.fromkeys((*home, *own))
    return {name: home.get(name, 0.0) * (1 - share) + own.get(name, 0.0) * share for name in names}


def at_rest(motion: Motion, state: State, duration: Seconds, fps: float, seed: int = 0) -> Iterator[Parameters]:
    """A clip of a face in a state, which begins and ends in the pose of `idle` with all its own movement at 0."""
    actor = Actor(motion, seed)
    actor.enter(state, 0.0)
    for number in range(round(duration * fps)):
        t = number / fps
        share = smoothstep(t / EASE) * smoothstep((duration - t) / EASE)
        moves = actor.at(t)
        yield eased(moves | {name: STILLER * moves[name] for name in _HEAD if name in moves}, motion.poses.idle, share)


def perform(
    motion: Motion,
    duration: Seconds,
    *,
    states: Sequence[tuple[Seconds, State]] = (),
    mouth: bytes = b"",
    mouth_start: Seconds = 0.0,
    fps: float = 25.0,
    seed: int = 0,
) -> Iterator[Parameters]:
    """Parameters of frame 0, 1, ... of a clip of `duration`.

    `states` are (moment, state) in order; `mouth` are `MouthFrames.frames` whose first one is at `mouth_start`.
    """
    frames = np.frombuffer(mouth, np.uint8).reshape(-1, len(MOUTH_PARAMS)) / 255.0
    actor, pending = Actor(motion, seed), list(states)
    for number in range(round(duration * fps)):
        t = number / fps
        while pending and pending[0][0] <= t:
            moment, state = pending.pop(0)
            actor.enter(state, moment)
        yield actor.at(t, mouth_at(frames, t - mouth_start))
