"""The file of one clip: what its face does from picture to picture, and the writing of pictures with their sound."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.bundle import Motion
from polytalk.avatar.motion import Parameters, State, perform
from polytalk.dialogue.exports import VideoFile, is_sound, open_video
from polytalk.dialogue.marks import Mark
from polytalk.dialogue.take import Take, blocks
from polytalk.media.labels import PlaneLabel, visible_label
from polytalk.media.loudness import find_level, levelled
from polytalk.media.pcm import silence
from polytalk.media.sound import SoundWriter, open_sound
from polytalk.media.video import VideoWriter
from polytalk.media.whole import WholeWriter
from polytalk.media.yuv import Planes
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds

FPS = 25
BEFORE: Seconds = 0.4
"""The face looks at you for a moment before it speaks …"""
AFTER: Seconds = 0.7
"""… and after it has spoken."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the pictures are like."""

    width: int
    height: int
    fps: int = FPS
    """Divides `SPEECH_RATE`."""
    background: tuple[int, int, int] = (0, 0, 0)
    """Red, green and blue beside an avatar's picture in a wider clip."""
    threads: int = 0
    """Of the encoder; 0 for one a core."""


class Reel(WholeWriter):
    """Takes pictures in order, and writes each with its sound at the loudness of files. Not for several threads.

    A context manager: leaving it closes the file, or drops it if an exception passes. Opening it goes through the
    whole speech once. Raises BadInput, SetupError.
    """

    def __init__(self, take: Take, target: Path, shape: Shape, mark: Mark) -> None:
        self._take = take
        self._shape = shape
        self.frames = round((BEFORE + take.seconds + AFTER) * shape.fps)
        self._step = SPEECH_RATE // shape.fps * SAMPLE_BYTES
        sound = chain((silence(BEFORE, SPEECH_RATE),), levelled(take.pieces(), find_level(take.pieces)))
        self._sound = blocks(sound, self._step)
        suffix = target.suffix.lower()
        tags, seal = mark.tags(suffix), mark.seal_for(suffix)
        size = shape.width, shape.height
        self._label = None
        self._printed: PlaneLabel | None = None
        self._pictures: VideoFile | None = None
        self._file: SoundWriter | VideoFile
        if is_sound(target):
            self._file = open_sound(target, suffix, tags, seal=seal)
            return
        if mark.label:
            self._label = visible_label(*size, mark.label, mark.place)
            self._printed = self._label.on_planes()
        self._file = self._pictures = open_video(target, size, shape.fps, tags, seal, shape.threads)

    @property
    def seconds(self) -> Seconds:
        """Length of the clip."""
        return self.frames / self._shape.fps

    def moves(self, motion: Motion) -> Iterator[Parameters]:
        """What the face does, picture by picture."""
        speech = self._take.seconds
        states: list[tuple[Seconds, State]] = [(0.0, "idle"), (BEFORE, "speaking"), (BEFORE + speech, "idle")]
        mouth, fps = self._take.mouth, self._shape.fps
        return perform(motion, self.seconds, states=states, mouth=mouth, mouth_start=BEFORE, fps=fps)

    @property
    def planar(self) -> bool:
        """Whether the file takes pictures as planes: those with a palette do not."""
        return isinstance(self._pictures, VideoWriter)

    def write_planes(self, planes: Planes) -> None:
        """The next picture, Y'CbCr of the clip's own size, and its sound; for a file that is `planar`."""
        assert isinstance(self._pictures, VideoWriter)
        self._pictures.write_planes(planes, self._printed)
        self._write_sound()

    def write(self, picture: NDArray[np.uint8] | None) -> None:
        """The next picture, RGB [h, w, 3], and its sound; None in a file of sound alone."""
        if self._pictures is not None and picture is not None:
            whole = fitted(picture, self._shape)
            if self._label is not None:
                self._label.apply(whole)
            self._pictures.write_frame(whole)
        self._write_sound()

    def _write_sound(self) -> None:
        self._file.write_audio(next(self._sound, b"").ljust(self._step, b"\0"))

    def close(self) -> None:
        """See WholeWriter."""
        self._file.close()

    def abort(self) -> None:
        """See WholeWriter."""
        self._file.abort()


def fitted(picture: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """A picture in the middle of the clip's: what is too large is cut off, what is missing is background."""
    height, width = picture.shape[:2]
    if (width, height) == (shape.width, shape.height):
        return picture
    whole = np.empty((shape.height, shape.width, 3), np.uint8)
    whole[:] = shape.background
    (top, below), (left, beside) = _middle(height, shape.height), _middle(width, shape.width)
    kept = picture[below : below + shape.height, beside : beside + shape.width]
    whole[top : top + kept.shape[0], left : left + kept.shape[1]] = kept
    return whole


def _middle(size: int, room: int) -> tuple[int, int]:
    """Where something begins in its room, and from where on it is shown."""
    return max(0, (room - size) // 2), max(0, (size - room) // 2)
