"""What a photograph is refused for, what it is warned of, and how it is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from polytalk.avatar import checks, framing
from polytalk.avatar import points as at
from polytalk.avatar.checks import Finding, Unsuitable, check_face, check_place, insist
from polytalk.avatar.checks_text import TEXTS
from polytalk.avatar.points import Points
from polytalk.avatar.quality import Picture
from tests.support.photographs import face, half_shaded, person, with_glasses, with_hair, with_mask

SIZE = (800, 800)


def judged(found: list[Finding]) -> dict[str, bool]:
    return {one.code: one.refuses for one in found}


def place(*faces: Points) -> dict[str, bool]:
    return judged(check_place(faces, SIZE))


def look(points: Points, rgb: Picture | None = None) -> dict[str, bool]:
    return judged(check_face(person(points) if rgb is None else rgb, points))


def test_a_good_face_has_nothing_to_be_said_about() -> None:
    assert place(face()) == {}
    assert look(face()) == {}


def test_one_face_it_must_be() -> None:
    assert place() == {"no_face": True}
    assert place(face(200, (250, 400)), face(180, (550, 400))) == {"several_faces": True, "face_coarse": False}
    assert place(face(400), face(100, (80, 80))) == {"faces_behind": False}


@pytest.mark.parametrize(("width", "found"), [(60, True), (119, True), (121, False), (219, False), (221, None)])
def test_a_small_face_is_refused_and_a_smallish_one_noted(width: float, found: bool | None) -> None:
    expected = {} if found is None else {"face_too_small" if found else "face_coarse": found}
    assert place(face(width)) == expected


def test_a_face_at_the_border_is_refused() -> None:
    assert place(face(300, (100, 400))) == {"cut_off": True}
    assert place(face(300, (400, 700))) == {"cut_off": True}


@pytest.mark.parametrize(
    ("lean", "found"), [(0, {}), (30, {}), (-35, {}), (60, {"sideways": True}), (-90, {"sideways": True})]
)
def test_a_head_on_its_side_is_refused(lean: float, found: dict[str, bool]) -> None:
    assert place(face(lean=lean)) == found


@pytest.mark.parametrize(
    ("turn", "found"), [(0, {}), (4, {}), (13, {"turned": False}), (40, {"profile": True}), (-40, {"profile": True})]
)
def test_a_turned_head_is_noted_and_a_profile_refused(turn: float, found: dict[str, bool]) -> None:
    assert look(face(turn=turn)) == found


@pytest.mark.parametrize(("gap", "found"), [(0.02, {}), (0.05, {"lips_parted": False}), (0.3, {"mouth_open": True})])
def test_lips_must_be_shut(gap: float, found: dict[str, bool]) -> None:
    points = face(gap=gap)
    ImageDraw.Draw(picture := Image.fromarray(person(points))).polygon(mouth(points), fill=(60, 20, 20))
    assert look(points, np.asarray(picture)) == found


def mouth(points: Points) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points[list(at.INNER_LIPS), :2]]


def test_teeth_are_noted() -> None:
    points = face(gap=0.1)
    ImageDraw.Draw(picture := Image.fromarray(person(points))).polygon(mouth(points), fill=(215, 205, 190))
    assert look(points, np.asarray(picture)) == {"teeth": False}


def test_a_picture_out_of_focus_is_noted_and_a_blurred_one_refused() -> None:
    sharp = Image.fromarray(person(face(), grain=40.0))
    assert look(face(), np.asarray(sharp.filter(ImageFilter.GaussianBlur(1.5)))) == {"soft": False}
    assert look(face(), np.asarray(sharp.filter(ImageFilter.GaussianBlur(12)))) == {"blurred": True}


def test_darkness_is_the_picture_s_and_not_the_skin_s() -> None:
    assert look(face(), person(face(), level=75, grain=14)) == {}  # dark skin in good light
    assert look(face(), person(face(), level=50, grain=9)) == {"dim": False}
    assert look(face(), person(face(), level=15, grain=9)) == {"dark": True}


def test_glasses_are_noted_by_their_bridge() -> None:
    points = face()
    picture = Image.fromarray(person(points))
    y = float(points[at.NOSE_ROOT, 1])
    ImageDraw.Draw(picture).line([(360, y), (440, y)], fill=(20, 20, 20), width=6)
    assert look(points, np.asarray(picture)) == {"glasses": False}


@pytest.mark.parametrize("thick", [0.025, 0.06, 0.13])
@pytest.mark.parametrize("level", [80.0, 150.0])
def test_glasses_are_noted_by_their_rims_thin_or_thick_on_dark_skin_and_light(thick: float, level: float) -> None:
    points = face()
    rgb = person(points, level=level, grain=9)
    assert look(points, rgb) == {}
    assert look(points, with_glasses(rgb, points, thick)) == {"glasses": False}


@pytest.mark.parametrize("tint", [0.75, 0.95])
def test_sunglasses_are_refused(tint: float) -> None:
    points = face()
    assert look(points, with_glasses(person(points), points, 0.08, tint)) == {"eyes_covered": True}


@pytest.mark.parametrize("colour", [(150, 190, 215), (30, 30, 32), (170, 140, 125)])
def test_a_mouth_behind_a_mask_or_a_hand_is_refused(colour: tuple[int, int, int]) -> None:
    points = face()
    assert look(points, with_mask(person(points), points, colour)).get("mouth_covered") is True


def test_hair_over_an_eye_or_the_mouth_is_noted() -> None:
    points = face()
    assert look(points, with_hair(person(points), points, 159)).keys() & {"eye_behind", "eyes_covered"}
    assert "mouth_behind" in look(points, with_hair(person(points), points, 13))


def test_light_that_shows_one_half_of_the_face_or_none_of_its_shape_is_noted() -> None:
    points = face()
    assert look(points, half_shaded(person(points), points, 0.4)) == {"shaded": False}
    bright = (person(points).astype(np.float32) * 1.85).clip(0, 255).astype(np.uint8)
    assert look(points, bright) == {"bright": False}
    assert look(points, (person(points).astype(np.float32) * 2.5).clip(0, 255).astype(np.uint8))["burnt"] is True


def test_paint_has_no_grain() -> None:
    picture = Image.fromarray(person(face(), grain=0.0))
    draw = ImageDraw.Draw(picture)
    for x in (340, 460):
        draw.ellipse([x - 30, 340, x + 30, 370], fill=(255, 255, 255), outline=(0, 0, 0), width=3)
    assert look(face(), np.asarray(picture)) == {"drawn": False}


def test_a_refusal_lists_everything_that_was_found() -> None:
    with pytest.raises(Unsuitable, match=r"mouth is open.*too dark") as refused:
        insist(check_face(person(face(gap=0.3), level=15), face(gap=0.3)))
    assert refused.value.detail == "portrait_unsuitable"
    assert {one.code for one in refused.value.findings} == {"mouth_open", "dark"}
    insist([checks.finding("glasses")])  # warnings alone refuse nothing


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_each_finding_is_said_in_both_languages_and_says_what_to_do(code: str) -> None:
    found = checks.finding(code, count=2, width=100, degrees=50)
    assert set(found.text) == {"en", "zh"}
    assert any(mark in found.text["en"] for mark in (";", ","))
    assert any("一" <= letter <= "鿿" for letter in found.text["zh"])


# --- framing -------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    lean=st.floats(-40, 40), width=st.floats(130, 500), x=st.floats(0.3, 0.7), y=st.floats(0.3, 0.7), tall=st.booleans()
)
def test_the_frame_is_an_upright_even_square_with_the_face_in_it(
    lean: float, width: float, x: float, y: float, tall: bool
) -> None:
    size = (900, 1300) if tall else (1300, 900)
    points = face(width, (x * size[0], y * size[1]), lean=lean)
    rgb = np.zeros((size[1], size[0], 3), np.uint8)
    picture, moved = framing.frame(rgb, points)
    side = picture.shape[0]
    assert picture.shape == (side, side, 3)
    assert side % 2 == 0
    assert side <= framing.SIDE
    assert abs(at.roll(moved)) <= framing.STRAIGHT + 1e-3
    named = moved[[at.FOREHEAD, at.CHIN, at.LEFT_EYE[0], at.RIGHT_EYE[0], *at.INNER_LIPS], :2]
    assert named.min() >= 0
    assert named.max() <= side
    assert at.mouth_gap(moved) == pytest.approx(at.mouth_gap(points), abs=1e-3)


def test_near_a_border_the_frame_moves_and_stays_as_wide() -> None:
    for x in (180, 650, 1120):
        picture, _ = framing.frame(np.zeros((900, 1300, 3), np.uint8), face(300, (x, 420)))
        assert picture.shape[0] == pytest.approx(framing.SPAN * 360, abs=3)


@pytest.mark.parametrize(("lean", "scale"), [(0, 1), (20, 1), (-33, 1), (0, 2.3), (20, 2.3)])
def test_landmarks_stay_on_what_they_mark(lean: float, scale: float) -> None:
    points = face(220 * scale, (500 * scale, 420 * scale), lean=lean)
    picture = Image.new("RGB", (round(1000 * scale), round(800 * scale)))
    marked = (at.NOSE_TIP, at.CHIN, at.LEFT_EYE[0], at.RIGHT_SIDE)
    for index in marked:
        x, y = map(float, points[index, :2])
        box = [x - 4 * scale, y - 4 * scale, x + 4 * scale, y + 4 * scale]
        ImageDraw.Draw(picture).ellipse(box, fill=(255, 255, 255))
    framed, moved = framing.frame(np.asarray(picture), points)
    for index in marked:
        x, y = moved[index, :2]
        left, top = int(x) - 12, int(y) - 12
        around = framed[top : top + 25, left : left + 25, 0].astype(float)
        middle = np.array([around.sum(0) @ np.arange(25), around.sum(1) @ np.arange(25)]) / around.sum()
        assert np.abs(middle + np.array([left + 0.5, top + 0.5]) - (x, y)).max() < 0.75
