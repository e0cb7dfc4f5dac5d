"""The file of one clip: what its face does from picture to picture, and the writing of pictures with their sound."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from polytalk.avatar.bundle import Motion
from polytalk.avatar.motion import Parameters, State, perform
from polytalk.dialogue.clips.exports import VideoFile, is_sound, open_video, scene_form
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.take import Take, blocks
from polytalk.media.gif import GifWriter, rgb_of
from polytalk.media.labels import VisibleLabel, visible_label
from polytalk.media.loudness import find_level, levelled
from polytalk.media.pcm import silence
from polytalk.media.scenes import Scene, SceneEncoder
from polytalk.media.sound import SoundWriter, open_sound
from polytalk.media.video import VideoWriter
from polytalk.media.whole import WholeWriter
from polytalk.media.yuv import Canvas
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Pictures, Seconds

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


def length(take: Take, shape: Shape) -> int:
    """Pictures of a clip."""
    return round((BEFORE + take.seconds + AFTER) * shape.fps)


def moves(take: Take, motion: Motion, shape: Shape) -> Iterator[Parameters]:
    """What the face does in a clip, picture by picture."""
    states: list[tuple[Seconds, State]] = [(0.0, "idle"), (BEFORE, "speaking"), (BEFORE + take.seconds, "idle")]
    seconds = length(take, shape) / shape.fps
    return perform(motion, seconds, states=states, mouth=take.mouth, mouth_start=BEFORE, fps=shape.fps)


class Reel(WholeWriter):
    """Takes pictures in order, and writes each with its sound at the loudness of files. Not for several threads.

    A context manager: leaving it closes the file, or drops it if an exception passes. Opening it goes through the
    whole speech once. Raises BadInput, SetupError.
    """

    def __init__(self, take: Take, target: Path, shape: Shape, mark: Mark) -> None:
        self._shape = shape
        self.frames = length(take, shape)
        self._step = SPEECH_RATE // shape.fps * SAMPLE_BYTES
        sound = chain((silence(BEFORE, SPEECH_RATE),), levelled(take.pieces(), find_level(take.pieces)))
        self._sound = blocks(sound, self._step)
        suffix = target.suffix.lower()
        tags, seal = mark.tags(suffix), mark.seal_for(suffix)
        self._canvas: Canvas | None = None
        self._label: VisibleLabel | None = None
        self._file: SoundWriter | VideoFile
        if is_sound(target):
            self._file = open_sound(target, suffix, tags, seal=seal)
            return
        size = shape.width, shape.height
        self._label = label_of(shape, mark)
        self._canvas = Canvas(*size, self._label)
        self._file = open_video(target, size, shape.fps, tags, seal, shape.threads)

    @property
    def seconds(self) -> Seconds:
        """Length of the clip."""
        return self.frames / self._shape.fps

    def write(self, run: Pictures) -> None:
        """The next pictures, and their sound."""
        if isinstance(self._file, VideoWriter):
            assert self._canvas is not None
            for frame in self._canvas.frames(fitted(run, self._shape)):
                self._file.write_still(frame)
                self.write_sound()
        elif isinstance(self._file, GifWriter):
            for picture in in_rgb(fitted(run, self._shape)):
                if self._label is not None:
                    self._label.apply(picture)
                self._file.write_frame(picture)
                self.write_sound()

    def write_scene(self, scene: Scene, first: int) -> None:
        """Pictures that are encoded already, the first one's number, and their sound."""
        assert not isinstance(self._file, SoundWriter)
        for picture in scene.pictures:
            self._file.write_packet(picture, first)
            self.write_sound()

    def write_sound(self) -> None:
        """The sound of the next picture, in a file of sound alone."""
        self._file.write_audio(next(self._sound, b"").ljust(self._step, b"\0"))

    def close(self) -> None:
        """See WholeWriter."""
        self._file.close()

    def abort(self) -> None:
        """See WholeWriter."""
        self._file.abort()


class SceneMaker:
    """Encodes a scene of a clip with the visible mark on it. Not for several threads."""

    def __init__(self, target: Path, shape: Shape, mark: Mark) -> None:
        self._shape = shape
        self._canvas = Canvas(shape.width, shape.height, label_of(shape, mark))
        self._encoder = SceneEncoder(scene_form(target), shape.width, shape.height, shape.fps, shape.threads)

    def write(self, run: Pictures) -> None:
        """The next pictures."""
        for frame in self._canvas.frames(fitted(run, self._shape)):
            self._encoder.write(frame)

    def finish(self) -> Scene:
        """All of them."""
        return self._encoder.finish()


def label_of(shape: Shape, mark: Mark) -> VisibleLabel | None:
    """The label of a clip's pictures."""
    return visible_label(shape.width, shape.height, mark.label, mark.place) if mark.label else None


def fitted(run: Pictures, shape: Shape) -> Pictures:
    """Pictures in the middle of the clip's: what is too large is cut off, what is missing is background."""
    if (run.width, run.height) == (shape.width, shape.height):
        return run
    whole = np.empty((run.count, shape.height, shape.width, 3), np.uint8)
    whole[:] = shape.background
    (top, below), (left, beside) = _middle(run.height, shape.height), _middle(run.width, shape.width)
    for room, picture in zip(whole, in_rgb(run), strict=True):
        kept = picture[below : below + shape.height, beside : beside + shape.width]
        room[top : top + kept.shape[0], left : left + kept.shape[1]] = kept
    return Pictures(whole.reshape(-1).data, shape.width, shape.height)


def in_rgb(run: Pictures) -> Iterator[NDArray[np.uint8]]:
    """Pictures that may be written to, [h, w, 3]."""
    reformatter = VideoReformatter()
    for one in np.frombuffer(run.pixels, np.uint8).reshape(run.count, run.room):
        if run.layout == "rgb":
            yield one.reshape(run.height, run.width, 3).copy()
            continue
        yield rgb_of(av.VideoFrame.from_ndarray(one.reshape(run.height * 3 // 2, run.width), "yuv420p"), reformatter)


def _middle(size: int, room: int) -> tuple[int, int]:
    """Where something begins in its room, and from where on it is shown."""
    return max(0, (room - size) // 2), max(0, (size - room) // 2)
