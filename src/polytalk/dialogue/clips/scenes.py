"""A clip's pictures, scene by scene: what is to be drawn for each, and a name made of all that decides how it looks.

A scene that was drawn and encoded before, under that name, need not be again. Names are made of what the face does,
picture by picture, and not of words: a sentence that changed changes the scenes from it on, as all that follows it is
said at another time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from msgspec import Struct

from polytalk.avatar.motion import Parameters
from polytalk.avatar.renderer import GRID
from polytalk.avatar.terms import PARAMETERS
from polytalk.cache.key import SceneKey, digest, digest_bytes
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.reel import AFTER, BEFORE, Shape, length, moves
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.faces.face import EARSHOT, Painter
from polytalk.engines.revision import revision
from polytalk.media.pcm import silence
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds, SynthesiseWork

RUN = 12
"""Pictures that are asked for at once: half a second of a core that somebody live may have to wait for, at most."""
SHORTEST: Seconds = 20.0
"""Of a scene but the last: it begins with a whole picture, which costs several others …"""
TYPICAL: Seconds = 30.0
"""… and what is broken off costs one of them to draw again."""
LONGEST: Seconds = 40.0


OF_A_GIF = 1 / 6
"""That share of the above lasts a scene of one: it has half a minute at most."""


class Planned(Struct, frozen=True):
    """A scene that is to be there."""

    name: str
    first: int
    """Number of its first picture in the clip."""
    works: list[SynthesiseWork]

    @property
    def count(self) -> int:
        """Pictures."""
        return sum(work.count for work in self.works)


def spans(ends: Sequence[Seconds], frames: int, fps: int, share: float = 1.0) -> Iterator[range]:
    """Pictures of each scene; `ends` are moments of the clip at which it may be cut, ascending."""
    least, typical, most = (seconds * share for seconds in (SHORTEST, TYPICAL, LONGEST))
    at = [round(end * fps) for end in ends]
    first = 0
    while frames - first > most * fps:
        wanted = first + round(typical * fps)
        near = at[bisect_left(at, first + least * fps) : bisect_right(at, first + most * fps)]
        cut = min(near, key=lambda end: abs(end - wanted), default=wanted)  # nobody pauses for so long
        yield range(first, cut)
        first = cut
    yield range(first, frames)


def plan(avatar: str, painter: Painter, take: Take, shape: Shape, mark: Mark, suffix: str) -> Iterator[Planned]:
    """All scenes in order. What the face does is computed as they are asked for, and nothing is drawn."""
    performed = moves(take, painter.motion, shape)
    side = -(-shape.height // GRID) * GRID if painter.folder else shape.height  # photographs have such sides only
    sound = b""
    if painter.hears:
        sound = silence(BEFORE, SPEECH_RATE) + b"".join(take.pieces()) + silence(AFTER + EARSHOT, SPEECH_RATE)
    share = OF_A_GIF if suffix == ".gif" else 1.0
    look = "\n".join((painter.looks, repr(shape), str(mark.label), mark.place, suffix))
    for span in spans([BEFORE + end for end in take.ends], length(take, shape), shape.fps, share):
        works = list(_works(avatar, painter, performed, span, shape, side, sound))
        done = b"".join(work.frames for work in works)
        heard = b"".join(work.audio for work in works)
        key = SceneKey(painter.engine, _revision(), look, digest_bytes(done), digest_bytes(heard) if heard else "")
        yield Planned(f"scene-{digest(key)}", span.start, works)


def _works(
    avatar: str, painter: Painter, performed: Iterator[Parameters], span: range, shape: Shape, side: int, sound: bytes
) -> Iterator[SynthesiseWork]:
    for first in span[::RUN]:
        count = min(RUN, span.stop - first)
        rows = [[shown.get(name, 0.0) for name in PARAMETERS] for shown in islice(performed, count)]
        begins, ends = first / shape.fps, (first + count) / shape.fps
        lead = min(EARSHOT, begins)
        heard = _cut(sound, begins - lead, ends + EARSHOT)
        frames = np.array(rows, "<f4").tobytes()
        yield SynthesiseWork(
            avatar, painter.folder, PARAMETERS, frames, (side, side), "full", shape.fps, heard, lead if heard else 0.0
        )


def _cut(sound: bytes, start: Seconds, end: Seconds) -> bytes:
    return sound[round(start * SPEECH_RATE) * SAMPLE_BYTES : round(end * SPEECH_RATE) * SAMPLE_BYTES]


def _revision() -> str:
    """Of what makes a scene of pictures."""
    return f"{revision('polytalk.media', libraries=['av'])} {revision('polytalk.dialogue')}"
