"""The real landmark model: on drawn faces, which are always there, and on portraits, where there are some beside us."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from polytalk.avatar import checks, framing, intake, landmarks, landmarks_home
from polytalk.avatar import points as at
from polytalk.avatar.library import Library
from polytalk.avatar.points import Points
from polytalk.avatar.raster import Renderer
from polytalk.config import load_settings
from polytalk.errors import SetupError
from tests.support.photographs import (
    CONSENT,
    PORTRAITS,
    encoded,
    half_shaded,
    with_glasses,
    with_hair,
    with_mask,
)

Picture = NDArray[np.uint8]
EXPECTED = {"woman-31": {"turned"}, "woman-37": {"teeth"}, "woman-68": {"lips_parted"}}
"""What is to be said about the portraits, by looking at them; about the others nothing."""


@pytest.fixture(scope="module")
def cache() -> Path:
    """Where the model is; installed if need be, and without a registry the tests are skipped, or fail in CI."""
    folder = load_settings().cache_folder
    try:
        landmarks_home.install(folder)
    except SetupError as error:
        if os.environ.get("POLYTALK_REQUIRE_SERVICES"):
            pytest.fail(error.message)
        pytest.skip(error.message)
    return folder


@pytest.fixture(scope="module")
def portraits() -> list[Path]:
    found = sorted(PORTRAITS.glob("*.jpg"))
    if not found:
        pytest.skip("there are no portraits beside this checkout (shared/portraits)")
    return found


def drawn(key: str, **parameters: float) -> Picture:
    return Renderer(Library(Path("nowhere"))[key].art, (640, 640)).frame(parameters)


def judged(picture: Picture, cache: Path) -> set[str]:
    faces = [face.points for face in landmarks.find(picture, cache)]
    found = checks.check_place(faces, (picture.shape[1], picture.shape[0]))
    if faces:
        found += checks.check_face(*framing.frame(picture, faces[0]))
    return {one.code for one in found}


def opened(picture: Picture, points: Points, by: float) -> Picture:
    """The chin with the lower lip moved down by a share of the face's height: a mouth that opens."""
    middle = (points[13, 1] + points[14, 1]) / 2
    gap = round(by * float(points[at.CHIN, 1] - points[at.FOREHEAD, 1]))
    left, right = int(points[78, 0]), int(points[308, 0])
    out = picture.copy()
    out[round(middle) + gap :] = picture[round(middle) : picture.shape[0] - gap]
    out[round(middle) : round(middle) + gap, left:right] = (40, 15, 15)
    return out


def test_drawn_faces_are_found_and_called_drawings(cache: Path) -> None:
    assert judged(drawn("mira"), cache) == {"drawn"}
    both = np.concatenate([drawn("mira"), drawn("theo")], axis=1)
    assert {"several_faces", "drawn"} == judged(both, cache)
    assert "mouth_open" in judged(drawn("theo", jaw=1.0), cache)


def test_where_nobody_is_nobody_is_found(cache: Path) -> None:
    rows = np.linspace(0, 1, 480)[:, None, None]
    hills = np.where(rows > 0.6, (70, 110, 60), (140, 180, 230)) + np.random.default_rng(1).normal(0, 8, (480, 640, 3))
    assert judged(hills.clip(0, 255).astype(np.uint8), cache) == {"no_face"}


def test_a_face_far_away_is_found_too(cache: Path) -> None:
    room = np.full((1400, 2000, 3), 200, np.uint8)
    room[500:820, 1500:1820] = np.asarray(Image.fromarray(drawn("theo")).resize((320, 320)))
    (found,) = landmarks.find(room, cache)
    left, top, right, bottom = found.box
    assert 1500 < left < right < 1820
    assert 500 < top < bottom < 820


def test_the_command_makes_an_avatar(
    cache: Path, polytalk: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "face.png").write_bytes(encoded(drawn("mira")))
    told = ("--name", "Ann", "--voice", "joe", "--consent", CONSENT)
    folders = {"POLYTALK_AVATARS_FOLDER": str(tmp_path / "avatars"), "POLYTALK_CACHE_FOLDER": str(cache)}
    done = polytalk("avatar", "add", "face.png", *told, **folders)
    assert done.returncode == 0, done.stderr
    assert "drawing" in done.stdout
    assert Library(tmp_path / "avatars")["ann"].read("portrait.png")


def test_portraits_pass_and_what_is_said_about_them_is_true(cache: Path, portraits: list[Path]) -> None:
    for file in portraits:
        assert judged(intake.read(file.read_bytes()), cache) == EXPECTED.get(file.stem, set()), file.stem


def test_what_is_wrong_with_a_portrait_is_seen(cache: Path, portraits: list[Path]) -> None:
    picture = intake.read(portraits[0].read_bytes())
    points = landmarks.find(picture, cache)[0].points
    assert "mouth_open" in judged(opened(picture, points, 0.12), cache)
    side = np.asarray(Image.fromarray(picture).rotate(90))
    assert judged(side, cache) & {"sideways", "no_face"}
    cut = picture[:, int(points[at.NOSE_TIP, 0]) :]
    assert judged(np.ascontiguousarray(cut), cache) & {"cut_off", "no_face", "profile"}


def test_what_is_in_front_of_a_face_is_seen_on_every_portrait(cache: Path, portraits: list[Path]) -> None:
    """Landmarks are those of the bare face: found anew, they would be guesses behind what is drawn."""
    for file in portraits:
        picture = intake.read(file.read_bytes())
        bare, points = framing.frame(picture, landmarks.find(picture, cache)[0].points)

        def seen(drawn_on: Picture, points: Points = points) -> set[str]:
            return {one.code for one in checks.check_face(drawn_on, points)}

        in_front = {"glasses", "eyes_covered", "eye_behind", "mouth_behind", "mouth_covered"}
        assert not seen(bare) & {*in_front, "shaded", "bright"}, file.stem
        for thick in (0.025, 0.06, 0.13):
            assert "glasses" in seen(with_glasses(bare, points, thick)), (file.stem, thick)
        for tint in (0.75, 0.95):
            assert "eyes_covered" in seen(with_glasses(bare, points, 0.08, tint)), (file.stem, tint)
        for colour in ((150, 190, 215), (30, 30, 32), (205, 170, 150)):
            assert "mouth_covered" in seen(with_mask(bare, points, colour)), (file.stem, colour)
        assert seen(with_hair(bare, points, 159)) & {"eye_behind", "eyes_covered"}, file.stem
        assert seen(with_hair(bare, points, 13)) & {"mouth_behind", "mouth_covered"}, file.stem
        assert "shaded" in seen(half_shaded(bare, points, 0.4)), file.stem


def test_glasses_are_seen_by_the_landmarks_of_the_picture_that_shows_them(cache: Path, portraits: list[Path]) -> None:
    picture = intake.read(portraits[0].read_bytes())
    points = landmarks.find(picture, cache)[0].points
    assert "glasses" in judged(with_glasses(picture, points), cache)
    assert "eyes_covered" in judged(with_glasses(picture, points, 0.08, 0.95), cache)
    assert judged(with_mask(picture, points), cache) & {"mouth_covered", "no_face"}
