"""A clip made beside conversations: its work goes to the engines in the batch tier, and takes what they leave.

text ─▶ sentences (Narration) ─┐
recording ─▶ mouth (recorded) ─┴▶ Take ─▶ runs of moves ─▶ pictures (synthesise) ─▶ Reel, on the pool's cores
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from polytalk.avatar.motion import Parameters
from polytalk.avatar.renderer import GRID
from polytalk.avatar.terms import PARAMETERS
from polytalk.dialogue.dictation import Compute
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.face import EARSHOT, Painter
from polytalk.dialogue.kit import Kit
from polytalk.dialogue.marks import Mark
from polytalk.dialogue.pipeline import Step, in_order
from polytalk.dialogue.reel import AFTER, BEFORE, Reel, Shape
from polytalk.dialogue.rehearsal import FAR
from polytalk.dialogue.take import Take
from polytalk.errors import EngineFailed
from polytalk.media.pcm import silence
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Pictures, Seconds, Stage, SynthesiseWork

RUN = 12
"""Pictures that are asked for at once: half a second of a core that somebody live may have to wait for, at most."""
AHEAD = 2
"""Runs at the engine while one is encoded."""


async def shoot(
    scope: Scope,
    kit: Kit,
    compute: Compute,
    avatar: str,
    take: Take,
    target: Path,
    shape: Shape,
    mark: Mark,
    on_frame: Callable[[int, int], None] = lambda *_: None,
) -> Seconds:
    """Draw and write a clip, with a scope of the batch tier; its length. Whoever leaves leaves no file.

    Raises BadInput for an avatar that nobody here draws, SetupError for a target that can't be written, or what an
    engine raised.
    """
    painter = kit.faces.painter(avatar)
    reel = await compute(lambda: Reel(take, target, shape, mark), FAR)
    done = 0
    try:
        shots = in_order(_runs(scope, painter, avatar, take, reel, shape), AHEAD)
        async with aclosing(shots):
            async for run in shots:
                await compute(lambda run=run: _write(reel, run), FAR)  # type: ignore[misc]
                done += run.count
                on_frame(done, reel.frames)
        await compute(reel.close, FAR)
    except BaseException:
        reel.abort()
        raise
    return reel.seconds


async def _runs(
    scope: Scope, painter: Painter, avatar: str, take: Take, reel: Reel, shape: Shape
) -> AsyncGenerator[Step[Pictures], None]:
    side = -(-shape.height // GRID) * GRID if painter.folder else shape.height  # photographs have such sides only
    sound = b""
    if painter.hears:
        sound = silence(BEFORE, SPEECH_RATE) + b"".join(take.pieces()) + silence(AFTER + EARSHOT, SPEECH_RATE)
    first = 0
    for rows in _rows(reel.moves(painter.motion)):
        begins, ends = first / shape.fps, (first + len(rows)) / shape.fps
        lead = min(EARSHOT, begins)
        heard = _cut(sound, begins - lead, ends + EARSHOT)
        frames = np.array(rows, "<f4").tobytes()
        work = SynthesiseWork(
            avatar, painter.folder, PARAMETERS, frames, (side, side), "full", shape.fps, heard, lead if heard else 0.0
        )
        first += len(rows)
        yield _draw(scope, painter, work)


def _rows(moves: Iterator[Parameters]) -> Iterator[list[list[float]]]:
    """Values of `PARAMETERS`, a run at a time."""
    while run := [[shown.get(name, 0.0) for name in PARAMETERS] for shown in islice(moves, RUN)]:
        yield run


def _cut(sound: bytes, start: Seconds, end: Seconds) -> bytes:
    return sound[round(start * SPEECH_RATE) * SAMPLE_BYTES : round(end * SPEECH_RATE) * SAMPLE_BYTES]


async def _draw(scope: Scope, painter: Painter, work: SynthesiseWork) -> Pictures:
    asked = await scope.ask(Stage.SYNTHESISE, painter.engine, work, scope.clock.now() + FAR)
    result = await asked.only()
    if not isinstance(result, Pictures) or result.count != work.count:
        raise EngineFailed(f"{painter.engine} was asked for {work.count} pictures and gave something else")
    return result


def _write(reel: Reel, run: Pictures) -> None:
    for picture in _rgb(run):
        reel.write(picture)


def _rgb(run: Pictures) -> Iterator[NDArray[np.uint8]]:
    """Pictures that may be written to, [h, w, 3]."""
    whole = np.frombuffer(run.pixels, np.uint8)
    for one in whole.reshape(run.count, run.room):
        if run.layout == "rgb":
            yield one.reshape(run.height, run.width, 3).copy()
            continue
        planes = av.VideoFrame.from_ndarray(one.reshape(run.height * 3 // 2, run.width), "yuv420p")
        seen = planes.reformat(format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG)
        yield np.asarray(seen.to_ndarray(), np.uint8)
