"""Illustrated avatars drawn by processes: the pictures are the renderer's, and one that dies takes one batch along."""

from collections.abc import Iterator

import numpy as np
import pytest
from msgspec.structs import replace

from polytalk.avatar.library import of_the_package
from polytalk.avatar.motion import perform
from polytalk.avatar.raster import Renderer
from polytalk.avatar.renderer import open_renderer
from polytalk.avatar.terms import PARAMETERS
from polytalk.engines.base import BatchEngine
from polytalk.engines.synthesise.raster import RasterSynthesiser
from polytalk.errors import BadInput, EngineFailed
from polytalk.types import Pictures, SynthesiseWork

SIZE = (96, 64)
MIRA = next(avatar for avatar in of_the_package() if avatar.id == "mira")
MOVES = list(perform(MIRA.art.motion, 0.2, states=[(0.0, "speaking")], mouth=bytes(range(90))))


@pytest.fixture(scope="module")
def engine() -> Iterator[RasterSynthesiser]:
    made = RasterSynthesiser()
    made.load()
    yield made
    made.close()


def work(avatar: str = "mira", size: tuple[int, int] = SIZE) -> SynthesiseWork:
    rows = np.array([[move.get(name, 0.0) for name in PARAMETERS] for move in MOVES], "<f4")
    return SynthesiseWork(avatar, "", PARAMETERS, rows.tobytes(), size)


def test_pictures_are_those_of_the_renderer(engine: RasterSynthesiser) -> None:
    assert isinstance(engine, BatchEngine)
    drawn, jaw = engine.run([work(), replace(work(), form="jaw")])
    assert isinstance(drawn, Pictures)
    assert isinstance(jaw, Pictures)
    assert (drawn.count, drawn.width, drawn.height, drawn.layout) == (len(MOVES), *SIZE, "yuv420")
    renderer = open_renderer(MIRA, SIZE)[1]
    for one, form in ((drawn, "full"), (jaw, "jaw")):
        draw = renderer.planes("full" if form == "full" else "jaw")
        assert draw is not None
        wanted = np.array([np.concatenate([plane.ravel() for plane in draw(move)]) for move in MOVES])
        pixels = np.asarray(one.pixels).reshape(wanted.shape)
        assert np.abs(pixels.astype(int) - wanted).max() <= 1
    left, top, right, bottom = renderer.patch({})[1]
    assert (jaw.left, jaw.top, jaw.width, jaw.height) == (left, top, right - left, bottom - top)
    assert drawn.part(1, 3).count == 2
    assert bytes(drawn.part(1, 2).pixels) == bytes(drawn.pixels)[drawn.room : 2 * drawn.room]


def test_what_has_no_codebook_is_drawn_whole(engine: RasterSynthesiser) -> None:
    order = work(size=(98, 66))
    drawn, jaw = engine.run([order, replace(order, form="jaw")])
    assert isinstance(drawn, Pictures)
    assert isinstance(jaw, Pictures)
    renderer = Renderer(MIRA.art, (98, 66))
    wanted = np.array([renderer.frame(move) for move in MOVES])
    pixels = np.asarray(drawn.pixels).reshape(wanted.shape)
    assert np.abs(pixels.astype(int) - wanted).max() <= 1
    assert (jaw.left, jaw.top, jaw.width, jaw.height, jaw.layout) == (0, 0, 98, 66, "rgb")


def test_what_can_not_be_drawn_spoils_no_other(engine: RasterSynthesiser) -> None:
    works = [
        work("nobody"),
        work(),
        replace(work(), frames=b"abc"),
        work(size=(4, 4)),
        replace(work(), frames=np.full(len(PARAMETERS), np.nan, "<f4").tobytes()),
    ]
    results = engine.run(works)
    assert [type(result) for result in results] == [BadInput, Pictures, BadInput, BadInput, BadInput]


def test_a_process_that_dies_fails_its_batch_and_the_next_one_has_another(engine: RasterSynthesiser) -> None:
    engine.run([work()])
    for easel in engine._easels.free:
        easel._process.kill()
        easel._process.wait()
    assert all(isinstance(result, EngineFailed) for result in engine.run([work(), work("theo")]))
    assert all(isinstance(result, Pictures) for result in engine.run([work(), work("theo")]))


def test_closing_ends_the_processes() -> None:
    engine = RasterSynthesiser()
    engine.run([engine.probe()])
    (easel,) = engine._easels.free
    engine.close()
    engine.close()
    assert easel._process.returncode == 0


def test_it_draws_drawings() -> None:
    assert RasterSynthesiser().draws(MIRA)
