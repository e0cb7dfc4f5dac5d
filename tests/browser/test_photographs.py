"""Photographs in a real browser: drawn like the reference, lips that move with the voice and rest with it."""

import base64
import io
import re
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from polytalk.avatar.library import Library
from polytalk.avatar.photo import PhotoFace, build
from polytalk.avatar.photo.mesh import draw
from polytalk.avatar.photo.renderer import PhotoRenderer
from tests.browser.conftest import OpenPage
from tests.browser.test_page import SPEAKS, eventually, type_in
from tests.support import photographs
from tests.support.process import Server

COUNTING = "one two three four five six seven eight nine ten"
WITHOUT_WEBGL = ("--disable-3d-apis",)
RENDERERS = [pytest.param((), "webgl", id="webgl"), pytest.param(WITHOUT_WEBGL, "software", id="no-webgl")]
CALM = {"reduced_motion": "reduce", "viewport": {"width": 1000, "height": 700}}
MOUTHS: list[dict[str, float]] = [
    {},
    {"jaw": 0.9},
    {"jaw": 0.5, "wide": 0.8, "teeth": 0.7},
    {"jaw": 0.4, "round": 1.0},
    {"jaw": 0.7, "press": 1.0, "smile": 0.4},
    {"lower": 1.0, "upper": 0.6, "tongue": 0.5},
]
WHOLE: list[dict[str, float]] = [
    {"blink": 1.0, "brow": 0.6},
    {"head_x": 0.8, "head_y": -0.6, "head_roll": 0.7, "jaw": 0.6},
    {"gaze_x": 0.7, "gaze_y": -0.7, "breath": 1.0},
]
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def face() -> PhotoFace:
    """Nobody: skin with some light and shade, eyes and lips painted where its landmarks are."""
    points = photographs.face(width=220, middle=(256, 240))
    rgb = photographs.skin(512, grain=1.0).astype(np.float64)
    y, x = np.mgrid[0:512, 0:512]
    rgb *= (0.75 + 0.25 * np.sin(x / 37) * np.cos(y / 29))[..., None]
    for middle, reach, colour in (((256, 313), (46, 16), (170, 60, 70)), ((212, 207), 18, 30), ((300, 207), 18, 30)):
        rx, ry = reach if isinstance(reach, tuple) else (reach, 8)
        inside = ((x - middle[0]) / rx) ** 2 + ((y - middle[1]) / ry) ** 2 < 1
        rgb[inside] = colour
    return build(rgb.clip(0, 255).astype(np.uint8), points)


@pytest.fixture(scope="module")
def face_server(echo_server: Server, face: PhotoFace) -> Iterator[Server]:
    library = Library(echo_server.avatars)
    photographs.put_face(library, face, "nobody")
    yield echo_server
    library.remove("nobody")


def choose(page: Page, renderer: str) -> None:
    page.get_by_role("button", name=re.compile("avatar", re.IGNORECASE)).first.click()
    page.get_by_text("Nobody", exact=True).first.click()
    page.keyboard.press("Escape")
    eventually(page, f"polytalk.renderer() === '{renderer}'")


def picture(page: Page, parameters: Mapping[str, float]) -> Picture:
    url = page.evaluate("parameters => polytalk.picture(parameters)", dict(parameters))
    return pixels(base64.b64decode(url.partition(",")[2]))


def pixels(png: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def difference(one: Picture, other: Picture) -> NDArray[np.float64]:
    """[H, W], of the colours' mean."""
    return np.asarray(np.abs(one.astype(np.float64) - other).mean(axis=-1))


def mouth_region(page: Page, face: PhotoFace) -> dict[str, float]:
    """Where lips are on a wide stage, whose height the picture fills."""
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    scale = stage["height"] / face.size
    lips = face.sheet("mouth").vertices[face.lips.ravel()]
    (left, top), (right, bottom) = lips.min(0) * scale, lips.max(0) * scale
    start = stage["x"] + (stage["width"] - stage["height"]) / 2
    box = {"x": start + left, "y": stage["y"] + top, "width": right - left, "height": bottom - top}
    return {name: float(value) for name, value in box.items()}


@pytest.mark.parametrize(("switches", "renderer"), RENDERERS)
def test_it_is_drawn_as_the_reference_draws_it(
    face_server: Server, open_page: OpenPage, face: PhotoFace, switches: tuple[str, ...], renderer: str
) -> None:
    bundled = PhotoFace.load(face_server.avatars / "nobody" / "face")
    with open_page(face_server, switches=switches) as page:
        choose(page, renderer)
        left, top, right, bottom = bundled.jaw_box
        jaw, everything = np.s_[top:bottom, left:right], np.s_[:, :]
        at_rest = picture(page, {})
        for parameters in MOUTHS if renderer == "software" else MOUTHS + WHOLE:
            part = jaw if renderer == "software" else everything
            drawn, expected = picture(page, parameters)[part], draw(bundled, parameters)[part]
            away = difference(drawn, expected)
            assert away.mean() < 0.6, parameters
            moved = difference(expected, at_rest[part]) > 12
            assert not moved.any() or away[moved].mean() < 4, parameters


def test_the_page_and_the_server_show_the_same_face(face_server: Server, open_page: OpenPage, face: PhotoFace) -> None:
    """Tolerance, in 256ths: 1 over the picture, 24 where it moved: the server blends mouths and halves colours."""
    bundled = PhotoFace.load(face_server.avatars / "nobody" / "face")
    server = PhotoRenderer(bundled, bundled.size)
    with open_page(face_server) as page:
        choose(page, "webgl")
        at_rest = server.frame({})
        for parameters in MOUTHS + WHOLE:
            expected = server.frame(parameters)
            away = difference(picture(page, parameters), expected)
            moved = difference(expected, at_rest) > 12
            assert away.mean() < 1.0, parameters
            assert not moved.any() or away[moved].mean() < 24, parameters


@pytest.mark.parametrize(("switches", "renderer"), RENDERERS)
def test_lips_move_while_it_speaks_and_rest_in_silence(
    face_server: Server, open_page: OpenPage, face: PhotoFace, switches: tuple[str, ...], renderer: str
) -> None:
    with open_page(face_server, switches=switches, **CALM) as page:
        choose(page, renderer)
        region = mouth_region(page, face)

        def look(times: int) -> list[Picture]:
            return [pixels(page.screenshot(clip=region)) for _ in range(times)]  # type: ignore[arg-type]

        page.wait_for_timeout(1000)
        silent = look(4)
        type_in(page, COUNTING)
        eventually(page, SPEAKS, 60)
        speaking = look(8)
        assert max(difference(one, silent[0]).max() for one in silent) < 3
        assert max(difference(one, silent[0]).mean() for one in speaking) > 5


def test_it_comes_back_when_the_graphics_card_was_lost(
    face_server: Server, open_page: OpenPage, face: PhotoFace
) -> None:
    context = "document.querySelector('#front + canvas').getContext('webgl2').getExtension('WEBGL_lose_context')"
    with open_page(face_server, **CALM) as page:
        choose(page, "webgl")
        page.wait_for_timeout(1000)
        before = picture_of_stage(page)
        page.evaluate(f"window.lost = {context}; lost.loseContext()")
        page.wait_for_timeout(300)
        page.evaluate("lost.restoreContext()")
        eventually(page, "!document.querySelector('#front + canvas').getContext('webgl2').isContextLost()")
        page.wait_for_timeout(300)
        type_in(page, COUNTING)
        eventually(page, SPEAKS, 60)
        assert difference(picture_of_stage(page), before).mean() < 8
        region = mouth_region(page, face)
        seen = [pixels(page.screenshot(clip=region)) for _ in range(6)]  # type: ignore[arg-type]
        assert max(difference(one, seen[0]).mean() for one in seen) > 3


def test_faces_that_are_left_leave_nothing_on_the_graphics_card(face_server: Server, open_page: OpenPage) -> None:
    with open_page(face_server) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if "context" in message.text else None)
        eventually(page, "document.querySelectorAll('#faces input').length > 2")
        for number in range(36):  # browsers keep 16 contexts, and warn when they take one away
            key, renderer = (("nobody", "webgl"), ("theo", "2d"))[number % 2]
            page.evaluate("key => document.querySelector(`#faces input[value=${key}]`).click()", key)
            eventually(page, f"polytalk.renderer() === '{renderer}'")
        assert not said, said
        assert page.locator("#stage canvas").count() == 2


def picture_of_stage(page: Page) -> Picture:
    """Its upper half, without captions."""
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    return pixels(page.screenshot(clip=stage | {"height": stage["height"] / 2}))
