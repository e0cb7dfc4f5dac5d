"""What a live face costs a core, encoded: CPU time of one thread, moves and mouth included."""

import time
from typing import NamedTuple

import av
from av.video.reformatter import VideoReformatter

from polytalk.avatar.motion import Parameters, perform
from polytalk.avatar.pictures import Form
from polytalk.avatar.renderer import Renderer
from polytalk.cli.facebench.said import Said
from polytalk.cli.facebench.subjects import Subject
from polytalk.engines.mouth.phones import PhonesMouth
from polytalk.media.h264 import PlaneEncoder
from polytalk.media.yuv import planes_of
from polytalk.types import MOUTH_RATE, MouthWork, Seconds

FPS = 25
FRAMES = 150


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
    second = rig(said)
    moves = list(perform(subject.motion, said.lasts, states=[(0.0, "speaking")], mouth=said.mouth, fps=FPS))[:FRAMES]
    began = time.process_time()
    list(perform(subject.motion, said.lasts, states=[(0.0, "speaking")], mouth=said.mouth, fps=FPS))
    acting = (time.process_time() - began) / (said.lasts * FPS)
    forms: tuple[Form, Form] = ("jaw", "full")
    jaw, full = (acting + _encoded(subject.renderer, form, moves) for form in forms)
    return Sessions(1 / second, 1 / (second + FPS * jaw), 1 / (second + FPS * full), 1000 * jaw, 1000 * full)


def rig(said: Said) -> Seconds:
    """Of the mouth alone, for a second of speech whose phones are known."""
    engine, repeats = PhonesMouth(), 20
    work = MouthWork(int(said.lasts * MOUTH_RATE), 0, said.audio, said.phones)
    engine.run([work])
    began = time.process_time()
    for _ in range(repeats):
        engine.run([work])
    return (time.process_time() - began) / repeats / said.lasts


def _encoded(renderer: Renderer, form: Form, moves: list[Parameters]) -> Seconds:
    """Drawing and encoding one picture, as films are. What is drawn once and kept is drawn before."""
    planes = renderer.planes(form)
    for move in moves:
        renderer.patch(move)
        first = renderer.frame(move).shape if planes is None else planes(move)[0].shape
    encoder, reformat = PlaneEncoder(first[1], first[0], FPS), VideoReformatter()
    began = time.process_time()
    for move in moves:
        if planes is None:
            picture = av.VideoFrame.from_ndarray(renderer.frame(move), "rgb24")
            drawn = planes_of(reformat.reformat(picture, format="yuv420p"))
        else:
            drawn = planes(move)
        for mine, given in zip(encoder.planes, drawn, strict=True):
            mine[...] = given
        encoder.encode()
    return (time.process_time() - began) / len(moves)
