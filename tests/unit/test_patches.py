"""Patches on disk: what one process drew another need not, and nothing that is damaged, stale or removed comes back."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from polytalk.avatar.bundle import library
from polytalk.avatar.drawn import renderer as drawn
from polytalk.avatar.drawn.patches import LEAST
from polytalk.avatar.drawn.renderer import open_drawing
from polytalk.avatar.library import Library
from polytalk.avatar.photo import PhotoFace, build, codebook, mesh
from polytalk.avatar.photo.measure import speech
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.raster import Renderer
from polytalk.avatar.shelf import FOLDER, SHELVES, Shelf
from polytalk.avatar.terms import PARAMETERS
from polytalk.engines import models
from polytalk.engines.synthesise.photo import PhotoSynthesiser
from polytalk.types import Pictures, SynthesiseWork
from tests.support import photographs

SIDE = 128
MIRA = library()[0]


@pytest.fixture(scope="module")
def face() -> PhotoFace:
    return build(photographs.skin(256, grain=6.0), photographs.face(width=110, middle=(128, 120)))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    found = Shelf.open(tmp_path, "one")
    assert found is not None
    return found


def drawing(shelf: Shelf) -> Callable[[dict[str, float]], object]:
    return open_drawing(MIRA, (SIDE, SIDE), shelf).frame


def not_again(*_: object, **__: object) -> None:
    raise AssertionError("it was drawn before")


def test_another_process_need_not_draw_a_drawing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    moves = speech(MIRA.motion, 1)[::4]
    first = drawing(shelf)
    wanted = [first(move) for move in moves]
    second = open_drawing(MIRA, (SIDE, SIDE), shelf)
    monkeypatch.setattr(Renderer, "frame", not_again)
    for move, picture in zip(moves, wanted, strict=True):
        np.testing.assert_array_equal(second.frame(move), picture)


def test_another_process_need_not_draw_a_photograph(
    shelf: Shelf, face: PhotoFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = [*speech(face.motion, 0.4), {"blink": 0.7}]
    first = PhotoRenderer(face, SIDE, shelf)
    wanted = [first.frame(move) for move in moves]
    monkeypatch.setattr(codebook, "choose", not_again)
    monkeypatch.setattr(mesh.Pen, "draw", not_again)
    second = PhotoRenderer(face, SIDE, shelf)
    for move, picture in zip(moves, wanted, strict=True):
        np.testing.assert_array_equal(second.frame(move), picture)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:99] + b"?" + data[100:], lambda _: b""])
def test_what_is_damaged_is_drawn_again(shelf: Shelf, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    wanted = drawing(shelf)({"jaw": 0.5})
    files = list((tmp_path / FOLDER / "one").iterdir())
    assert len(files) == 2, "one of the mouth, one of the eyes"
    for file in files:
        file.write_bytes(damage(file.read_bytes()))
    np.testing.assert_array_equal(drawing(shelf)({"jaw": 0.5}), wanted)
    assert shelf.read(files[0].name, len(files[0].read_bytes()) - 16) is not None, "and written again"


def test_a_file_under_another_s_name_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    shelf.write("mouth-1", [b"abc"])
    assert shelf.read("mouth-1", 3) == b"abc"
    assert shelf.read("mouth-1", 4) is None
    (tmp_path / FOLDER / "one" / "mouth-1").rename(tmp_path / FOLDER / "one" / "mouth-2")
    assert shelf.read("mouth-2", 3) is None


def test_as_many_files_are_kept_as_there_is_room_for(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "KEPT", (1, 1))
    show = drawing(shelf)
    for jaw in np.linspace(0, 1, 40):
        show({"jaw": float(jaw)})
    kept = [name for name in shelf.names() if name.startswith("jaw-")]
    assert len(kept) <= LEAST
    for number in range(30):  # by other processes at the same time
        shelf.write(f"jaw-{number:027x}", [b"x"])
    show = drawing(shelf)
    assert len([name for name in shelf.names() if name.startswith("jaw-")]) == LEAST


def test_shelves_of_other_versions_give_way(tmp_path: Path) -> None:
    for number in range(SHELVES + 2):
        found = Shelf.open(tmp_path, f"v{number}")
        assert found is not None
        found.write("a", [b"x"])
    left = {folder.name for folder in (tmp_path / FOLDER).iterdir()}
    assert left == {f"v{number}" for number in range(2, SHELVES + 2)}


def test_drawing_goes_on_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    assert Shelf.open(tmp_path, "one") is None
    (tmp_path / FOLDER).unlink()
    found = Shelf.open(tmp_path, "one")
    assert found is not None

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        found.write("a", [b"x"])
    found.write("b", [b"x"])
    assert found.names() == [], "a disk that was full is not tried again"


def test_patches_go_with_the_avatar(tmp_path: Path, face: PhotoFace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_patches", tmp_path / "patches")
    avatars = Library(tmp_path / "avatars")
    ann = photographs.put_built(avatars, face)
    rows = np.zeros((1, len(PARAMETERS)), "<f4")
    order = SynthesiseWork("ann", str(ann.folder), PARAMETERS, rows.tobytes(), (SIDE, SIDE))
    engine = PhotoSynthesiser()
    try:
        assert isinstance(engine.run([order])[0], Pictures)
        assert len(list((ann.folder / FOLDER).rglob("mouth-*"))) == 1
        assert avatars["ann"].digest == ann.digest, "what is kept is no part of the bundle"
        avatars.remove("ann")
        moved = rows.copy()
        moved[0, 0] = 1.0
        assert isinstance(engine.run([replace(order, frames=moved.tobytes())])[0], Pictures)
    finally:
        engine.close()
    assert not list((tmp_path / "avatars").rglob("*mouth*")), "a process that remembers the face writes nothing of it"
