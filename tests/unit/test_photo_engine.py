"""Photographed avatars drawn by processes: the pictures are the renderer's, whoever is added meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from polytalk.avatar.library import Bundle, Library
from polytalk.avatar.motion import perform
from polytalk.avatar.photo import PhotoFace, build
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.planes import Planes
from polytalk.avatar.stream import FaceStream
from polytalk.avatar.terms import PARAMETERS
from polytalk.config import Settings
from polytalk.engines import registry
from polytalk.engines.base import BatchEngine
from polytalk.engines.synthesise.photo import PhotoSynthesiser
from polytalk.errors import BadInput
from polytalk.media.yuv import split
from polytalk.types import Pictures, SynthesiseWork
from tests.support import photographs

SIZE = 128


@pytest.fixture(scope="module")
def face() -> PhotoFace:
    return build(photographs.skin(256, grain=6.0), photographs.face(width=110, middle=(128, 120)))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "avatars")


@pytest.fixture(scope="module")
def engine() -> Iterator[PhotoSynthesiser]:
    made = PhotoSynthesiser()
    made.load()
    yield made
    made.close()


def work(avatar: Bundle, size: tuple[int, int] = (SIZE, SIZE)) -> SynthesiseWork:
    moves = perform(avatar.motion, 0.2, states=[(0.0, "speaking")], mouth=bytes(range(90)))
    rows = np.array([[move.get(name, 0.0) for name in PARAMETERS] for move in moves], "<f4")
    return SynthesiseWork(avatar.id, str(avatar.folder), PARAMETERS, rows.tobytes(), size)


def moves_of(order: SynthesiseWork) -> list[dict[str, float]]:
    rows = np.frombuffer(order.frames, "<f4").reshape(-1, len(PARAMETERS)).tolist()
    return [dict(zip(PARAMETERS, row, strict=True)) for row in rows]


def test_pictures_are_those_of_the_renderer(engine: PhotoSynthesiser, library: Library, face: PhotoFace) -> None:
    assert isinstance(engine, BatchEngine)
    avatar = photographs.put_built(library, face)
    order = work(avatar)
    whole, jaw = engine.run([order, replace(order, form="jaw")])
    assert isinstance(whole, Pictures)
    assert isinstance(jaw, Pictures)
    renderer = PhotoRenderer(PhotoFace.load(avatar.folder / "face"), SIZE)
    left, top, right, bottom = renderer.face.jaw_box
    assert (whole.layout, whole.count, whole.width, whole.height) == ("yuv420", 5, SIZE, SIZE)
    assert (jaw.left, jaw.top, jaw.width, jaw.height) == (left, top, right - left, bottom - top)
    stream = FaceStream(renderer)
    for drawn, move in zip(np.asarray(whole.pixels).reshape(whole.count, -1), moves_of(order), strict=True):
        assert all(map(np.array_equal, split(drawn, SIZE, SIZE), stream.draw(move)))
        assert np.abs(np.subtract(split(drawn, SIZE, SIZE)[0], Planes.of(renderer.frame(move)).y, dtype=int)).mean() < 2
    patches = np.asarray(jaw.pixels).reshape(jaw.count, -1)
    for drawn, move in zip(patches, moves_of(order), strict=True):
        wanted = Planes.of(renderer.patch(move)[0])
        assert np.abs(np.subtract(split(drawn, jaw.width, jaw.height)[0], wanted.y, dtype=int)).max() <= 2
    assert np.ptp(patches.astype(int), axis=0).max() > 10, "the mouth moves"


def test_who_is_added_and_removed_while_it_runs(engine: PhotoSynthesiser, library: Library, face: PhotoFace) -> None:
    assert isinstance(engine.run([engine.probe()])[0], Pictures)
    late = photographs.put_built(library, face, "late")
    order = work(library["late"])
    assert isinstance(engine.run([order])[0], Pictures)
    library.remove(late.id)
    again = replace(order, size=(SIZE // 2, SIZE // 2))  # not what a process remembers
    assert isinstance(engine.run([again])[0], BadInput)


def test_what_can_not_be_drawn_spoils_no_other(engine: PhotoSynthesiser, library: Library, face: PhotoFace) -> None:
    order = work(photographs.put_built(library, face))
    results = engine.run(
        [replace(order, avatar="mira", folder=""), order, replace(order, size=(96, 64)), replace(order, size=(90, 90))]
    )
    assert [type(result) for result in results] == [BadInput, Pictures, BadInput, BadInput]


def test_the_default_engines_draw_every_kind(library: Library, face: PhotoFace) -> None:
    engines = [registry.create("synthesise", one.engine, one.options) for one in Settings().synthesise_choices()]
    photographs.put_built(library, face)
    found = {key: [engine.name for engine in engines if engine.draws(library[key])] for key in ("mira", "theo", "ann")}
    assert found == {"mira": ["raster"], "theo": ["raster"], "ann": ["photo"]}
    still = photographs.put(library, "still")
    assert not any(engine.draws(still) for engine in engines), "its face was not built"


def test_a_photograph_moves_by_its_own_motion(library: Library, face: PhotoFace) -> None:
    assert photographs.put_built(library, face).motion == face.motion
