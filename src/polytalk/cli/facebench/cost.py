"""What a live face costs a core, encoded: CPU time of one thread, moves and mouth included."""

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias, cast

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from polytalk.avatar.motion import Parameters, perform
from polytalk.avatar.renderer import Renderer
from polytalk.cli.facebench.said import Said
from polytalk.cli.facebench.subjects import Subject
from polytalk.engines.mouth.phones import PhonesMouth
from polytalk.types import MOUTH_RATE, MouthWork, Seconds

FPS = 25
Draw: TypeAlias = Callable[[Parameters], av.VideoFrame]
FRAMES = 150
X264 = {"preset": "ultrafast", "tune": "zerolatency", "crf": "26", "threads": "1"}


class Sessions(NamedTuple):
    """That one core serves live, without other work."""

    rig: float
    """Mouth parameters only."""
    jaw: float
    full: float
    jaw_ms: float
    """Of a picture, encoded."""
    full_ms: float


def sessions(subject: Subject, said: Said) -> Sessions:
    """At 25 pictures a second."""
    second = _mouth(said)
    moves = list(perform(subject.motion, said.lasts, states=[(0.0, "speaking")], mouth=said.mouth, fps=FPS))[:FRAMES]
    began = time.process_time()
    list(perform(subject.motion, said.lasts, states=[(0.0, "speaking")], mouth=said.mouth, fps=FPS))
    acting = (time.process_time() - began) / (said.lasts * FPS)
    jaw, full = (acting + _encoded(draw, moves) for draw in _ways(subject.renderer))
    return Sessions(1 / second, 1 / (second + FPS * jaw), 1 / (second + FPS * full), 1000 * jaw, 1000 * full)


def _mouth(said: Said) -> Seconds:
    """For a second of speech whose phones are known."""
    engine, repeats = PhonesMouth(), 20
    work = MouthWork(int(said.lasts * MOUTH_RATE), 0, said.audio, said.phones)
    engine.run([work])
    began = time.process_time()
    for _ in range(repeats):
        engine.run([work])
    return (time.process_time() - began) / repeats / said.lasts


def _ways(renderer: Renderer) -> tuple[Draw, Draw]:
    """How the mouth's part and the whole picture are drawn for an encoder: photographs in its own colours."""
    if not hasattr(renderer, "codebook"):

        def drawn(move: Parameters) -> av.VideoFrame:
            return av.VideoFrame.from_ndarray(renderer.frame(move), "rgb24")

        return drawn, drawn
    from polytalk.avatar.photo.planes import Planes
    from polytalk.avatar.photo.renderer import PhotoRenderer
    from polytalk.avatar.photo.stream import PhotoStream

    assert isinstance(renderer, PhotoRenderer)
    left, top, right, bottom = renderer.face.jaw_box
    patch, stream = Planes.empty(right - left, bottom - top), PhotoStream(renderer)

    def jaw(move: Parameters) -> av.VideoFrame:
        renderer.mouth(move, patch)
        return _frame(patch)

    return jaw, lambda move: _frame(stream.draw(move))


def _frame(planes: Sequence[NDArray[np.uint8]]) -> av.VideoFrame:
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(values.shape[0], plane.line_size)
        rows[:, : values.shape[1]] = values
    return frame


def _encoded(draw: Draw, moves: list[Parameters]) -> Seconds:
    """Drawing and encoding one picture. What is drawn once and kept is drawn before."""
    for move in moves:
        first = draw(move)
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height = first.width, first.height
    codec.pix_fmt, codec.time_base, codec.options = "yuv420p", Fraction(1, FPS), X264
    reformat = VideoReformatter()
    began = time.process_time()
    for number, move in enumerate(moves):
        frame = draw(move)
        if frame.format.name != "yuv420p":
            frame = reformat.reformat(frame, format="yuv420p")
        frame.pts, frame.time_base = number, codec.time_base
        codec.encode(frame)
    codec.encode(None)
    return (time.process_time() - began) / len(moves)
