"""Pictures: where a parameter changes them, and that the paint is the bundle's."""

import resource
from pathlib import Path

import msgspec
import numpy as np
import pytest

from polytalk.avatar.bundle import library, parse
from polytalk.avatar.pictures import Frame
from polytalk.avatar.raster import Renderer

FACES = {avatar.id: avatar for avatar in library()}
faces = pytest.mark.parametrize("name", FACES)


def changed(before: Frame, after: Frame) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of the pixels that differ visibly."""
    rows, columns = np.nonzero(np.abs(before.astype(int) - after).max(axis=-1) > 8)
    return columns.min(), rows.min(), columns.max(), rows.max()


@faces
def test_a_frame_has_the_size_asked_for(name: str) -> None:
    picture = Renderer(FACES[name], (320, 240)).frame({})
    assert picture.shape == (240, 320, 3)
    assert picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500


@faces
def test_speech_moves_the_lower_face_only(name: str) -> None:
    renderer = Renderer(FACES[name])
    left, top, right, bottom = changed(renderer.frame({}), renderer.frame({"jaw": 1.0, "round": 0.5}))
    assert top > 225
    assert bottom < 440
    assert left > 140
    assert right < 372


@faces
def test_a_blink_moves_the_eyes_only(name: str) -> None:
    renderer = Renderer(FACES[name])
    left, top, right, bottom = changed(renderer.frame({}), renderer.frame({"blink": 1.0}))
    assert top > 190
    assert bottom < 260
    assert left > 175
    assert right < 337


@faces
def test_the_mouth_opens_dark_with_light_teeth(name: str) -> None:
    renderer = Renderer(FACES[name])
    mouth = renderer.frame({"jaw": 1.0, "teeth": 1.0})[300:360, 240:272].astype(int).sum(axis=-1)
    shut = renderer.frame({"jaw": 1.0, "press": 1.0})[300:360, 240:272].astype(int).sum(axis=-1)
    assert mouth.min() < 100 < shut.min()
    assert mouth.max() > 650 > shut.max()


@faces
def test_frames_do_not_depend_on_the_ones_before(name: str) -> None:
    renderer = Renderer(FACES[name])
    renderer.frame({"jaw": 0.9, "head_x": -1.0, "blink": 1.0, "head_roll": 1.0})
    turned = {"jaw": 0.4, "head_x": 1.0, "head_roll": -0.5}
    np.testing.assert_array_equal(renderer.frame(turned), Renderer(FACES[name]).frame(turned))


def test_paint_lands_where_the_bundle_says() -> None:
    square = {"ops": "MLLLZ", "points": [2, 2, 6, 2, 6, 6, 2, 6]}
    document = {
        "format": "polytalk-avatar/1",
        "id": "dot",
        "name": {"en": "Dot"},
        "voice": "heart",
        "style": "test",
        "size": [16, 16],
        "background": "#0000ff",
        "pivot": [8, 8],
        "head": {"shift": [4, 0], "roll": 0},
        "layers": [
            {"id": "red", "fill": "#ff0000", "depth": 1.0, "deltas": {"jaw": [0, 0, 0, 0, 0, 4, 0, 4]}, **square},
            {"id": "green", "fill": "#00ff00", "clip": "red", "ops": "MLLLZ", "points": [4, 0, 16, 0, 16, 16, 4, 16]},
            {"id": "arc", "fill": "#ffffff", "ops": "MQZ", "points": [0, 16, 8, 8, 16, 16]},
        ],
        "motion": {"idle": {}, "blink": {"every": [2, 4], "seconds": 0.2}, "poses": {}, "pose_seconds": 0.3},
    }
    renderer = Renderer(parse(msgspec.json.encode(document)), (16, 16))
    still, moved = renderer.frame({}), renderer.frame({"jaw": 1.0, "head_x": 1.0})
    red, green, blue, white = ([255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255])
    # The edges lie between pixels, so nothing is half covered.
    assert still[3, 2:7].tolist() == [red, red, green, green, blue]
    assert still[5:7, 3].tolist() == [red, blue]
    # Shifted by 4 pixels, the whole square lies in the green half; 4 pixels longer.
    assert moved[9, 5:11].tolist() == [blue, green, green, green, green, blue]
    # A parabola's top is half as high as its control point.
    assert still[13, 8].tolist() == white
    assert still[10, 8].tolist() == blue


def test_renderers_give_their_memory_back() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    def use() -> None:
        Renderer(FACES["mira"]).frame({})

    use()
    before = resident()
    for _ in range(12):
        use()
    # One canvas alone has a megabyte.
    assert resident() - before < 6_000_000
