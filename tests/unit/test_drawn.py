"""Drawings from a codebook: the pictures are the painter's, near enough, and what is kept is bounded."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar, library, parse
from polytalk.avatar.drawn import renderer as drawn
from polytalk.avatar.drawn.book import Book, Grid, Measure, spoken
from polytalk.avatar.drawn.renderer import MOUTH_NEAR, DrawnRenderer, open_drawing
from polytalk.avatar.photo.codebook import MOUTH, SHUT
from polytalk.avatar.photo.measure import speech
from polytalk.avatar.pictures import Frame
from polytalk.avatar.planes import Planes
from polytalk.avatar.raster import Renderer
from polytalk.avatar.shelf import Shelf
from polytalk.avatar.stream import FaceStream

SIDE = 256
SIZE = (SIDE, SIDE)
FACES = {avatar.id: avatar for avatar in library()}
faces = pytest.mark.parametrize("name", FACES)
DOT = {
    "format": "polytalk-avatar/1",
    "id": "dot",
    "name": {"en": "Dot"},
    "voice": "heart",
    "style": "test",
    "size": [64, 64],
    "background": "#3060c0",
    "pivot": [32, 32],
    "head": {"shift": [4, 4], "roll": 5},
    "layers": [
        {
            "id": "mouth",
            "fill": "#ff0000",
            "ops": "MLLLZ",
            "points": [24, 40, 40, 40, 40, 44, 24, 44],
            "deltas": {"jaw": [0, 0, 0, 0, 0, 8, 0, 8]},
            "depth": 1.0,
        }
    ],
    "motion": {"idle": {}, "blink": {"every": [2, 4], "seconds": 0.2}, "poses": {}, "pose_seconds": 0.3},
}


def alike(one: Frame, other: Frame) -> float:
    """Decibels between the luminance of two pictures."""
    away = Planes.of(one).y.astype(float) - Planes.of(other).y
    return float(20 * np.log10(255 / max(1e-6, np.sqrt((away**2).mean()))))


def dot(**change: object) -> Avatar:
    return parse(msgspec.json.encode({**DOT, **change}))


@pytest.fixture(scope="module", params=FACES)
def made(request: pytest.FixtureRequest) -> tuple[Avatar, DrawnRenderer, Renderer]:
    avatar = FACES[request.param]
    found = open_drawing(avatar, SIZE)
    assert isinstance(found, DrawnRenderer)
    return avatar, found, Renderer(avatar, SIZE)


def test_at_rest_it_is_the_drawing(made: tuple[Avatar, DrawnRenderer, Renderer]) -> None:
    _, fast, reference = made
    assert alike(fast.frame({}), reference.frame({})) > 50


def test_pictures_of_speech_are_the_painter_s(made: tuple[Avatar, DrawnRenderer, Renderer]) -> None:
    avatar, fast, reference = made
    moves = speech(avatar.motion, 4)[::9]
    assert min(alike(fast.frame(move), reference.frame(move)) for move in moves) > 33
    still = [{**move, "head_x": 0.0, "head_y": 0.0, "head_roll": 0.0, "breath": 0.0} for move in moves]
    found = [alike(fast.frame(move), reference.frame(move)) for move in still]
    assert np.mean(found) > 40, "mouth and eyes alone, which are not warped"
    assert min(found) > 35


def test_all_that_changes_at_rest_lies_in_its_boxes(made: tuple[Avatar, DrawnRenderer, Renderer]) -> None:
    _, fast, reference = made
    outside = np.ones((SIDE, SIDE), bool)
    for left, top, right, bottom in fast.boxes:
        outside[top:bottom, left:right] = False
    rest = reference.frame({}).astype(int)
    for move in ({"jaw": 1.0, "smile": 1.0}, {"wide": 1.0}, {"blink": 1.0, "brow": -1.0}, {"gaze_x": 1.0, "brow": 1.0}):
        away = np.abs(reference.frame(move) - rest).max(axis=-1)
        assert away[~outside].max() > 40
        assert away[outside].max() <= 12


def test_sealed_lips_are_never_taken_for_parted_ones(made: tuple[Avatar, DrawnRenderer, Renderer]) -> None:
    _, fast, reference = made
    for jaw in np.linspace(0.1, 0.9, 5):
        for press in (0.8, 0.89, 0.91, 1.0):
            move = {"jaw": float(jaw), "press": press}
            left, top, right, bottom = fast.boxes[0]
            assert alike(fast.patch(move)[0], reference.frame(move)[top:bottom, left:right]) > 34


def test_a_stream_draws_what_frames_do(made: tuple[Avatar, DrawnRenderer, Renderer]) -> None:
    avatar, fast, _ = made
    stream, other = FaceStream(fast), FaceStream(fast)
    for index, move in enumerate(speech(avatar.motion, 2)):
        stream.draw(move)
        if index % 7 == 0:
            other.draw({**move, "blink": 1.0})  # another session's eyes must not stay in this one's
            assert alike(stream.planes.rgb(), fast.frame(move)) > 36


def test_the_mouth_alone_is_that_of_the_whole(made: tuple[Avatar, DrawnRenderer, Renderer]) -> None:
    _, fast, _ = made
    move = {"jaw": 0.5, "smile": 0.3}
    patch, (left, top, right, bottom) = fast.patch(move)
    whole = fast.frame(move)[top:bottom, left:right]
    below = slice(bottom - top) if len(fast.boxes) < 2 else slice(fast.boxes[1][3] - top, None)
    assert np.abs(patch[below][:-1].astype(int) - whole[below][:-1]).mean() < 1


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "KEPT", (1, 1))
    fast, reference = open_drawing(FACES["mira"], SIZE), Renderer(FACES["mira"], SIZE)
    assert isinstance(fast, DrawnRenderer)
    moves = [{"jaw": float(jaw), "wide": float(wide)} for jaw in np.linspace(0, 1, 9) for wide in (0.0, 0.5, 1.0)]
    for _ in range(2):
        for move in moves:
            assert alike(fast.frame(move), reference.frame(move)) > 38
    assert len(fast._mouth) == 16


def measure_of(avatar: Avatar) -> Measure:
    scale = 512 / max(512, *avatar.size)
    return Measure(avatar, frozenset(layer.id for layer in avatar.layers), (scale, scale))


def test_a_grid_is_as_fine_for_what_moves_much() -> None:
    measure = measure_of(dot())
    grid = Grid(measure, ("jaw", "wide"), 0.5)
    # Two of four corners go 8 pixels at 1: 8 / sqrt(2) root mean square.
    assert grid.find({"jaw": 0.5 / (8 / 2**0.5) * 2.3})["jaw"] == pytest.approx(2 * 0.5 / (8 / 2**0.5))
    assert grid.find({"wide": 0.4}) == {"jaw": 0.0, "wide": 0.0}, "nothing is moved by it"


@faces
def test_no_mouth_is_far_from_the_one_that_stands_for_it(name: str) -> None:
    measure = measure_of(FACES[name])
    pages, chance = Book(measure, (*MOUTH, "smile"), MOUTH_NEAR), np.random.default_rng(3)
    for press in (0.0, 0.5, 0.89, 0.91, 1.0):
        for _ in range(20):
            asked = dict(zip(MOUTH, chance.uniform(0, 1, len(MOUTH)), strict=True)) | {"press": press, "smile": 0.21}
            found = pages.find(asked)
            assert (found["press"] > SHUT) == (press > SHUT)
            assert np.linalg.norm(measure.key(found) - measure.key(asked)) < 1.5 * MOUTH_NEAR


@faces
def test_most_of_speech_needs_no_mouth_of_its_own(name: str) -> None:
    avatar = FACES[name]
    pages = Book(measure_of(avatar), (*MOUTH, "smile"), MOUTH_NEAR)
    known = {tuple(mouth) for mouth in spoken()[0].tolist()}
    moves = speech(avatar.motion, 8)
    found = [pages.find(move) for move in moves]
    assert sum(tuple(one[part] for part in MOUTH) in known for one in found) > 0.4 * len(moves)


@faces
def test_pictures_do_not_depend_on_what_was_drawn_before(name: str, tmp_path: Path) -> None:
    avatar = FACES[name]
    moves, before = speech(avatar.motion, 1, seed=2), speech(avatar.motion, 2, seed=7)
    shelf = Shelf.open(tmp_path, "one")
    fresh, used = open_drawing(avatar, SIZE), open_drawing(avatar, SIZE, shelf)
    assert isinstance(fresh, DrawnRenderer)
    assert isinstance(used, DrawnRenderer)
    for move in before:  # other mouths that are near, other eyes, another order
        used.frame(move)
    stays = open_drawing(avatar, SIZE, shelf)  # and as another process finds them
    assert isinstance(stays, DrawnRenderer)
    streams = [FaceStream(one) for one in (fresh, used, stays)]
    for move in moves:
        first, *others = ([plane.tobytes() for plane in stream.draw(move)] for stream in streams)
        assert others == [first, first]


def test_any_simple_drawing_can_be_kept() -> None:
    fast = open_drawing(dot(), (128, 64))
    assert isinstance(fast, DrawnRenderer)
    assert len(fast.boxes) == 1, "it has no eyes"
    reference = Renderer(dot(), (128, 64))
    for move in ({"jaw": 1.0}, {"jaw": 0.5, "head_x": 1.0, "head_y": -0.5}, {"head_roll": 0.5}):
        assert alike(fast.frame(move), reference.frame(move)) > 24, "a square of 16 × 4 pixels is nearly all edge"


@pytest.mark.parametrize(
    ("deltas", "size"),
    [
        ({"jaw": [0.0] * 8, "blink": [1.0] * 8}, (64, 64)),
        ({"jaw": [4.0] * 8, "breath": [1.0] * 8}, (64, 64)),
        ({"head_x*jaw": [4.0] * 8}, (64, 64)),
        ({}, (64, 64)),
        ({"jaw": [4.0] * 8}, (66, 64)),
    ],
)
def test_what_patches_can_not_follow_is_drawn_whole(deltas: dict[str, list[float]], size: tuple[int, int]) -> None:
    avatar = dot()
    odd = replace(avatar, layers=[replace(avatar.layers[0], deltas=deltas)])
    whole = open_drawing(odd, size)
    assert isinstance(whole, Renderer)
    picture: NDArray[np.uint8] = whole.frame({"jaw": 1.0})
    assert picture.shape == (size[1], size[0], 3)
