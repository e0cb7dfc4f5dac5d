"""The shipped faces as geometry: lips seal, mouths open, eyes shut, whatever else moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar, library
from polytalk.avatar.rig import Rig
from polytalk.types import MOUTH_PARAMS

FACES = {avatar.id: avatar for avatar in library()}
RIGS = {name: Rig(avatar) for name, avatar in FACES.items()}
SHARES = st.floats(0.0, 1.0)
MOUTHS = st.fixed_dictionaries(dict.fromkeys((*MOUTH_PARAMS, "smile"), SHARES))
faces = pytest.mark.parametrize("name", FACES)


def opening(name: str, layer: str, parameters: dict[str, float]) -> NDArray[np.float64]:
    """How far the lower edge lies below the upper one at each control point between the corners, in pixels."""
    rig = RIGS[name]
    index = [part.id for part in FACES[name].layers].index(layer)
    points = rig.evaluate(parameters).coords[rig.slices[index]].reshape(-1, 2)
    half = len(points) // 2
    upper, lower = points[: half + 1], points[half:][::-1]
    np.testing.assert_allclose(upper[:, 0], lower[:, 0], atol=1.0)
    gaps: NDArray[np.float64] = lower[:, 1] - upper[:, 1]
    return gaps


@faces
@given(mouth=MOUTHS)
@settings(max_examples=60)
def test_press_seals_the_lips_whatever_the_jaw_does(name: str, mouth: dict[str, float]) -> None:
    assert np.abs(opening(name, "mouth_hole", mouth | {"press": 1.0})).max() < 1.0


@faces
@given(mouth=MOUTHS)
@settings(max_examples=60)
def test_lips_never_cross(name: str, mouth: dict[str, float]) -> None:
    # Coordinates are rounded to 0.1 px, and up to ten deltas add up.
    assert opening(name, "mouth_hole", mouth).min() > -0.6


@faces
def test_the_mouth_opens_with_the_jaw(name: str) -> None:
    heights = [opening(name, "mouth_hole", {"jaw": jaw}).max() for jaw in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert heights[0] < 0.5
    assert heights == sorted(heights)
    assert heights[-1] > 25


@faces
def test_round_narrows_and_wide_widens(name: str) -> None:
    def width(**parameters: float) -> float:
        rig = RIGS[name]
        index = [part.id for part in FACES[name].layers].index("mouth_hole")
        x = rig.evaluate(parameters).coords[rig.slices[index]][::2]
        return float(x.max() - x.min())

    assert width(round=1.0) < 0.7 * width() < 0.7 * width(wide=1.0) / 1.1


@faces
@given(smile=SHARES, gaze=st.floats(-1.0, 1.0))
@settings(max_examples=30)
def test_a_blink_shuts_the_eyes(name: str, smile: float, gaze: float) -> None:
    for eye in ("eye_left", "eye_right"):
        parameters = {"smile": smile, "gaze_y": gaze}
        assert opening(name, eye, parameters).max() > 10
        assert np.abs(opening(name, eye, parameters | {"blink": 1.0})).max() < 1.0


@faces
def test_the_eyes_follow_the_gaze(name: str) -> None:
    rig = RIGS[name]
    index = [part.id for part in FACES[name].layers].index("pupil_left")

    def centre(**parameters: float) -> NDArray[np.float64]:
        middle: NDArray[np.float64] = rig.evaluate(parameters).coords[rig.slices[index]].reshape(-1, 2).mean(axis=0)
        return middle

    assert (centre(gaze_x=1.0, gaze_y=1.0) - centre() > 3).all()


@faces
def test_the_body_stays_when_the_head_turns(name: str) -> None:
    affine = RIGS[name].evaluate({"head_x": 1.0, "head_roll": 1.0}).affine
    for layer, matrix in zip(FACES[name].layers, affine, strict=True):
        still = np.allclose(matrix, [[1, 0, 0], [0, 1, 0]])
        assert still == (layer.depth == 0.0 and layer.roll == 0.0)


def test_values_out_of_range_are_clamped() -> None:
    rig = RIGS["mira"]
    np.testing.assert_array_equal(rig.evaluate({"jaw": 7.0}).coords, rig.evaluate({"jaw": 1.0}).coords)
    np.testing.assert_array_equal(rig.evaluate({"jaw": -7.0}).coords, rig.evaluate({}).coords)


def test_affines_turn_about_the_pivot_and_then_shift() -> None:
    avatar: Avatar = FACES["mira"]
    index = next(i for i, layer in enumerate(avatar.layers) if layer.roll == 1.0 and layer.depth == 1.0)
    affine = RIGS["mira"].evaluate({"head_roll": 1.0, "head_x": 1.0, "head_y": -1.0}).affine[index]
    pivot = np.array([*avatar.pivot, 1.0])
    np.testing.assert_allclose(affine @ pivot, [avatar.pivot[0] + 14, avatar.pivot[1] - 10])
    assert np.degrees(np.arctan2(affine[1, 0], affine[0, 0])) == pytest.approx(avatar.head.roll)
