"""A photographed face: lips that seal and never cross, pictures that change only where they should, files that hold."""

import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.avatar import points as at
from polytalk.avatar.photo import PhotoFace, anatomy, build
from polytalk.avatar.photo.codebook import MOUTH, Codebook
from polytalk.avatar.photo.face import term_of
from polytalk.avatar.photo.measure import lip_error, lip_gaps, seam
from polytalk.avatar.photo.mesh import draw, evaluate
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.photo.scale import resized
from polytalk.avatar.photo.visemes import MOUTHS
from polytalk.avatar.planes import Planes
from polytalk.avatar.stream import HOLD, FaceStream
from polytalk.errors import BadInput
from tests.support import photographs

SIDE = 256
TINY = 1 / 64
"""Of a pixel's 1/32 steps, in widths of a mouth of some 30 pixels."""


@pytest.fixture(scope="module")
def face() -> PhotoFace:
    points = photographs.face(width=220, middle=(256, 240))
    return resized(build(photographs.skin(512, grain=6.0), points), SIDE)


@pytest.fixture(scope="module")
def renderer(face: PhotoFace) -> PhotoRenderer:
    return PhotoRenderer(face, SIDE)


mouths = st.fixed_dictionaries({name: st.floats(0, 1) for name in MOUTH})


@given(mouths)
@settings(max_examples=150, deadline=None)
def test_lips_never_cross(face: PhotoFace, mouth: dict[str, float]) -> None:
    assert lip_gaps(face, mouth).min() > -TINY


@given(mouths)
@settings(max_examples=150, deadline=None)
def test_pressed_lips_are_shut_whatever_else_is_set(face: PhotoFace, mouth: dict[str, float]) -> None:
    assert np.abs(lip_gaps(face, mouth | {"press": 1.0})).max() < TINY


def test_vowels_open_as_far_as_they_should(face: PhotoFace) -> None:
    widest = {name: float(lip_gaps(face, mouth).max()) for name, mouth in MOUTHS.items()}
    assert widest["rest"] < TINY
    assert 0.15 < widest["aa"] < 0.35
    assert widest["aa"] > widest["eh"] > widest["ee"] > widest["s z"] > widest["m b p"]


def test_at_rest_it_is_its_photograph(face: PhotoFace, renderer: PhotoRenderer) -> None:
    difference = np.abs(draw(face, {}).astype(int) - face.portrait)
    assert difference.max() <= 2
    assert np.abs(renderer.frame({}).astype(int) - face.portrait).max() <= 2


def test_an_open_mouth_s_teeth_do_not_show_when_it_is_shut() -> None:
    """Landmarks lie a little on the teeth, as they do in photographs."""
    seen, really = (photographs.face(width=300, middle=(256, 240), gap=gap) for gap in (0.1, 0.13))
    rgb = photographs.skin(512, grain=1.0)
    lips = seen[[*anatomy.UPPER_OUTER, *anatomy.LOWER_OUTER[::-1]], :2]
    for ring, colour in ((lips, (190, 70, 80)), (really[list(at.INNER_LIPS), :2], (235, 235, 225))):
        cv2.fillPoly(rgb, [np.rint(ring).astype(np.int32)], colour)
    left, top, right, bottom = np.rint([*lips.min(0) + 6, *lips.max(0) - 6]).astype(int)
    made = build(rgb, seen)
    shut = draw(made, {"press": 1.0})[top:bottom, left:right].astype(int)
    assert made.warnings == ("mouth_stretched",)
    assert (rgb[top:bottom, left:right, 1] > 200).mean() > 0.15
    white = (shut[..., 1] > 150) & (shut[..., 0] - shut[..., 1] < 30)  # skin is 30 redder
    assert white.mean() < 0.002


def test_a_smile_goes_when_lips_are_rounded() -> None:
    points = photographs.face(width=220, middle=(256, 240))
    lips = [*anatomy.UPPER_OUTER, *anatomy.LOWER_OUTER, *at.INNER_LIPS]
    away = (points[lips, 0] - 256) / 44
    points[lips, 1] -= 8 * away**2  # corners up
    smiling = build(photographs.skin(512, grain=6.0), points)
    assert bend_of(smiling, {"round": 1.0, "jaw": 0.2}) < 0.4 * bend_of(smiling, {})
    assert np.abs(lip_gaps(smiling, {"round": 1.0, "jaw": 0.4, "press": 1.0})).max() < TINY


def bend_of(face: PhotoFace, parameters: dict[str, float]) -> float:
    """How much higher the corners of the mouth are than its middle, in pixels."""
    sheet = face.sheet("mouth")
    upper, lower = (evaluate(face, sheet, parameters)[row][:, 1] for row in (face.lips[1], face.lips[2]))
    line = (upper + lower) / 2
    return float(line[len(line) // 2] - (line[0] + line[-1]) / 2)


def test_speech_changes_the_jaw_box_only(face: PhotoFace) -> None:
    changed = np.abs(draw(face, {"jaw": 1.0, "wide": 1.0}).astype(int) - draw(face, {})).max(axis=-1) > 3
    left, top, right, bottom = face.jaw_box
    assert changed[top:bottom, left:right].mean() > 0.02
    changed[top:bottom, left:right] = False
    assert not changed.any()


def test_no_border_is_seen_around_the_patch(renderer: PhotoRenderer) -> None:
    assert seam(renderer, list(MOUTHS.values())[:6]) < 1.1


def test_the_head_s_turn_leaves_the_picture_s_border_alone(renderer: PhotoRenderer) -> None:
    still, turned = (renderer.frame({"head_x": x, "head_roll": x}).astype(int) for x in (0.0, 1.0))
    assert np.abs(still - turned)[:, [0, 1, -2, -1]].max() <= 3  # a step of chroma is two of blue
    assert np.abs(still - turned).mean() > 0.5


def test_the_codebook_puts_lips_within_a_pixel_of_the_mesh(renderer: PhotoRenderer) -> None:
    pairs = list(MOUTHS.values())
    moves = [{name: (a.get(name, 0.0) + b.get(name, 0.0)) / 2 for name in MOUTH} for a, b in pairwise(pairs)]
    error = lip_error(renderer, moves)
    assert error.mean < 0.4
    assert error.p95 < 0.9


def test_sealed_frames_are_made_of_sealed_codes(face: PhotoFace) -> None:
    book = Codebook(face)
    blend = book.find(book.terms.vector({"press": 1.0, "jaw": 0.4, "round": 0.3}))
    for code in (blend.first, blend.second):
        assert lip_gaps(face, book.parameters(code)).max() < 0.03


def test_a_frame_is_near_the_reference(face: PhotoFace, renderer: PhotoRenderer) -> None:
    moves = {"jaw": 0.5, "wide": 0.3, "head_x": 0.4, "head_roll": 0.3, "smile": 0.2, "brow": 0.3}
    assert np.abs(renderer.frame(moves).astype(int) - draw(face, moves)).mean() < 4


def test_a_patch_smiles_as_the_whole_face_does(renderer: PhotoRenderer) -> None:
    left, top, right, bottom = renderer.face.jaw_box
    moves = {"jaw": 0.4, "smile": 1.0}
    whole = renderer.frame(moves)[top:bottom, left:right].astype(int)
    smiling, serious = (renderer.patch({**moves, "smile": smile})[0].astype(int) for smile in (1.0, 0.0))
    assert np.abs(smiling - whole)[2:-2, 2:-2].max() <= 5  # at its edge a patch has no colours of its neighbours
    assert np.abs(serious - whole).mean() > 0.7


def test_a_stream_shows_what_frames_do_whatever_came_before(renderer: PhotoRenderer) -> None:
    stream = FaceStream(renderer)
    still = {"head_x": 0.4, "smile": 0.2, "brow": -0.3}
    moves: list[dict[str, float]] = [{"jaw": 0.8}, {"jaw": 0.2, "blink": 0.6}, {"blink": 0.3}, {"blink": 1.0}, {}]
    for one in [*moves, *({**still, **move} for move in moves)]:
        drawn = stream.draw(one)
        wanted = Planes.of(renderer.frame(one))
        for plane, other in zip(drawn, wanted, strict=True):
            assert np.abs(plane.astype(int) - other).max() <= 3


def test_what_a_stream_does_not_draw_again_is_never_far_off(renderer: PhotoRenderer) -> None:
    stream, warp = FaceStream(renderer), renderer.warp
    path = [{"head_x": step / 80, "jaw": step % 3 / 3} for step in range(40)]
    off = [np.abs(stream.draw(moves).rgb().astype(int) - renderer.frame(moves)).mean() for moves in path]
    held = HOLD * SIDE / 512 / warp.bound(warp.pose({"head_x": 1.0}))  # what of head_x may be left undrawn
    there, nearly = (renderer.frame({"head_x": x}).astype(int) for x in (0.3, 0.3 + held))
    assert 0 < max(off) < 2 * np.abs(there - nearly).mean()
    assert min(off) < 0.1


@given(st.sampled_from(("head_x", "head_y", "head_roll", "brow", "gaze_x", "breath", "smile")), st.floats(-1, 1))
@settings(max_examples=30, deadline=None)
def test_no_place_moves_further_than_its_bound(renderer: PhotoRenderer, name: str, value: float) -> None:
    pose = renderer.warp.pose({name: value})
    assert np.linalg.norm(renderer.warp.field(pose), axis=-1).max() <= renderer.warp.bound(pose) + 1e-3


def test_planes_keep_a_picture() -> None:
    smooth = np.stack(np.meshgrid(np.arange(64) * 4, np.arange(64) * 4), -1)
    rgb = np.dstack([smooth, smooth[..., :1] // 2]).astype(np.uint8)
    assert np.abs(Planes.of(rgb).rgb().astype(int) - rgb).mean() < 3
    black, white = (Planes.of(np.full((8, 8, 3), level, np.uint8)) for level in (0, 255))
    assert (black.y[0, 0], white.y[0, 0], white.u[0, 0], white.v[0, 0]) == (16, 235, 128, 128)


def test_all_patches_are_drawn_in_seconds(renderer: PhotoRenderer) -> None:
    began = time.thread_time()
    renderer.warm()
    assert (
        time.thread_time() - began < 4.0
    )  # of CPU, at a quarter of a server's pixels; it was a tenth of a second each


def test_a_saved_face_is_read_back(face: PhotoFace, tmp_path: Path) -> None:
    face.save(tmp_path)
    again = PhotoFace.load(tmp_path)
    assert [sheet.name for sheet in again.sheets] == [sheet.name for sheet in face.sheets]
    for one, other in zip(face.sheets, again.sheets, strict=True):
        assert np.abs(one.vertices - other.vertices).max() <= 1 / 32
        assert one.deltas.keys() == other.deltas.keys()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 600_000


def test_a_damaged_face_is_refused_by_name(face: PhotoFace, tmp_path: Path) -> None:
    face.save(tmp_path)
    (tmp_path / "mesh.npz").write_bytes(b"PK nothing")
    with pytest.raises(BadInput, match="make the avatar again"):
        PhotoFace.load(tmp_path)


def test_pictures_of_another_shape_are_refused() -> None:
    with pytest.raises(BadInput, match="478 landmarks"):
        build(np.zeros((64, 64, 3), np.uint8), np.zeros((468, 3), np.float32))


def test_terms_have_three_factors_at_most() -> None:
    assert term_of("jaw*round*press").value({"jaw": 0.5, "round": 0.5, "press": 1.0}) == 0.25
    assert term_of("").value({}) == 1.0
    with pytest.raises(BadInput, match="3 at most"):
        term_of("jaw*round*press*upper")


def test_lashes_beyond_the_corner_of_an_eye_are_not_left_behind_by_its_lid() -> None:
    points = photographs.face(width=220, middle=(256, 240))
    rgb = photographs.skin(512, grain=6.0)
    x, y = map(float, points[at.LEFT_EYE[0], :2])
    cv2.line(rgb, (round(x), round(y)), (round(x - 7), round(y - 6)), (20, 15, 15), 2)
    face = build(rgb, points)
    box = round(x - 8), round(y - 8), round(x - 2), round(y - 2)
    bare = float(np.median(rgb @ np.array([0.299, 0.587, 0.114])))
    darkest = [
        float((draw(face, {"blink": blink}, box).astype(float) @ np.array([0.299, 0.587, 0.114])).min()) / bare
        for blink in (0.0, 1.0)
    ]
    assert darkest[0] < 0.4, "the open eye has its lashes"
    assert darkest[1] > 0.7, "the shut one's are where its lid is"
