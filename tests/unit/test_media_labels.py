"""The visible label: legible on everything, large enough, and cheap."""

from time import perf_counter

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.labels import LABEL_TEXT, Place, VisibleLabel, visible_label
from polytalk.media.yuv import planes_of


def picture(level: int, side: int = 512) -> NDArray[np.uint8]:
    return np.full((side, side, 3), level, np.uint8)


def patch(label: VisibleLabel, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = label.keep.shape[:2]
    return frame[label.top : label.top + height, label.left : label.left + width]


def contrast(first: float, second: float) -> float:
    """Of two grey levels, as WCAG 2 defines it."""
    bright, dark = sorted((((level / 255 + 0.055) / 1.055) ** 2.4 for level in (first, second)), reverse=True)
    return float((bright + 0.05) / (dark + 0.05))


@pytest.mark.parametrize("language", LABEL_TEXT)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_the_label_is_legible_on_any_background(language: str, level: int) -> None:
    frame = picture(level)
    label = visible_label(512, 512, language)
    label.apply(frame)
    shown = patch(label, frame)
    text, plate = shown.max(), np.median(shown)
    assert text >= 254
    assert contrast(text, plate) > 4.5  # what WCAG asks of text


@pytest.mark.parametrize(("width", "height"), [(256, 256), (512, 512), (720, 1280), (1920, 1080)])
@pytest.mark.parametrize("text", ["AI生成", "由AI生成", "AI-generated"])
def test_the_text_is_as_tall_as_the_rules_ask(width: int, height: int, text: str) -> None:
    frame = np.zeros((height, width, 3), np.uint8)
    visible_label(width, height, text=text).apply(frame)
    rows = np.flatnonzero((frame > 128).any((1, 2)))
    assert rows[-1] - rows[0] + 1 >= 0.05 * min(width, height)


@pytest.mark.parametrize("place", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_only_the_chosen_corner_changes(place: Place) -> None:
    frame = picture(200)
    visible_label(512, 512, "zh", place).apply(frame)
    rows, columns = np.nonzero((frame != 200).any(-1))
    assert (rows.max() < 256) == place.startswith("top")
    assert (rows.min() >= 256) == place.startswith("bottom")
    assert (columns.max() < 256) == place.endswith("left")
    assert (columns.min() >= 256) == place.endswith("right")
    assert min(rows.min(), columns.min(), 511 - rows.max(), 511 - columns.max()) > 8


def test_many_frames_at_once_are_labelled_alike() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 256, 320, 3), np.uint8)
    singly = frames.copy()
    label = visible_label(320, 256)
    label.apply(frames)
    for frame in singly:
        label.apply(frame)
    assert np.array_equal(frames, singly)


def test_every_sign_of_the_labels_is_a_different_picture() -> None:
    signs = sorted(set("AI-generated由AI生成"))
    pictures = [visible_label(512, 512, text=sign).ink.tobytes() for sign in signs]
    assert len(set(pictures)) == len(signs)


def test_another_language_gets_the_english_label() -> None:
    assert visible_label(512, 512, "fr") is visible_label(512, 512, "en")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(BadInput, match="'Q'"):
        visible_label(512, 512, text="AIQ")
    with pytest.raises(BadInput, match="8x8"):
        visible_label(8, 8)


def test_a_label_costs_less_than_a_third_of_a_millisecond() -> None:
    frame, label = picture(100), visible_label(512, 512)
    times = []
    for _ in range(50):
        start = perf_counter()
        label.apply(frame)
        times.append(perf_counter() - start)
    assert min(times) < 0.3e-3


@pytest.mark.parametrize("place", ["top-left", "bottom-right"])
@pytest.mark.parametrize("size", [512, 250, 98])
def test_in_planes_it_looks_as_in_colours(place: Place, size: int) -> None:
    frame = np.full((size, size, 3), 90, np.uint8)
    label = visible_label(size, size, "zh", place)
    coloured = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    label.on_planes().apply(planes_of(coloured))
    label.apply(frame)
    wanted = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    for drawn, plane in zip(planes_of(coloured), planes_of(wanted), strict=True):
        assert np.abs(drawn.astype(int) - plane).max() <= 3
