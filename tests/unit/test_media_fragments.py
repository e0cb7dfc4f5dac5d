"""An answer as fragments: one timeline, nothing missing, nothing held back for long."""

import io
from collections.abc import Callable

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.boxes import Sample, boxes, fragment, length_prefixed, mime, samples, timescales
from polytalk.media.fragments import Encoding, FragmentWriter, VideoCodec
from polytalk.media.labels import visible_label
from polytalk.media.yuv import planes_of
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Pictures

SMALL = Encoding(64, 64)
SLICE = SPEECH_RATE // 5 * SAMPLE_BYTES


def tone(seconds: float = 0.2) -> bytes:
    count = round(seconds * SPEECH_RATE)
    return (np.sin(np.arange(count) / 12) * 9_000).astype("<i2").tobytes()


def pictures(*shades: int, size: int = 64) -> Pictures:
    """Grey pictures, one for each shade."""
    planes = [np.full((size, size, 3), shade, np.uint8) for shade in shades]
    return Pictures(memoryview(np.stack(planes).tobytes()), size, size)


def planar(*shades: int, size: int = 64) -> Pictures:
    """Grey pictures in planes."""
    half = size * size // 4
    made = [np.r_[np.full(4 * half, shade, np.uint8), np.full(2 * half, 128, np.uint8)] for shade in shades]
    return Pictures(memoryview(np.concatenate(made).tobytes()), size, size, layout="yuv420")


def answer(writer: FragmentWriter, slices: int = 5, fps: int = 25) -> bytes:
    """A film of so many slices of 200 ms whose pictures grow lighter."""
    out, step = [writer.init], fps // 5
    for number in range(slices):
        lighter = [min(250, 5 * (number * step + index)) for index in range(step)]
        out.append(writer.push(tone(), pictures(*lighter), number * 0.2))
    return b"".join([*out, writer.finish()])


def tracks(film: bytes) -> dict[str, list[float]]:
    """Kind of track -> when its samples begin."""
    scales = timescales(film)
    starts: dict[int, list[float]] = {track: [] for track in scales}
    for sample in samples(film):
        starts[sample.track].append(sample.start / scales[sample.track])
    return dict(zip(("video", "audio"), starts.values(), strict=True))


def shades(film: bytes) -> NDArray[np.float64]:
    """How light each picture is."""
    with av.open(io.BytesIO(film), "r") as container:
        return np.array([frame.to_ndarray(format="gray").mean() for frame in container.decode(video=0)])


@pytest.mark.parametrize("fps", [7.0, 12.5, 23.976, 29.97])
def test_pictures_and_sound_do_not_drift_apart(fps: float) -> None:
    seconds, starts, scales = 90, dict[int, list[int]](), dict[int, int]()
    writer = FragmentWriter(Encoding(32, 32), fps)
    scales = timescales(writer.init)
    sound, number = bytes(SPEECH_RATE * SAMPLE_BYTES), 0
    for second in range(seconds):
        count = int(np.ceil((second + 1) * fps)) - number
        part = writer.push(sound, pictures(*[100] * count, size=32), number / fps)
        number += count
        for sample in samples(part):
            starts.setdefault(sample.track, []).append(sample.start)
    assert len(starts[1]) == number, "no picture was added, and none left out"
    shown = np.array(starts[1]) / scales[1]
    np.testing.assert_allclose(shown, np.arange(number) / fps, atol=1e-3)
    assert starts[2][-1] / scales[2] == pytest.approx(seconds, abs=0.06)


@pytest.mark.parametrize("made", [pictures, planar])
@pytest.mark.parametrize("video", ["h264", "vp9"])
def test_a_part_of_the_pictures_may_be_all_that_is_sent(made: Callable[..., Pictures], video: VideoCodec) -> None:
    whole = made(0)
    pixels = np.frombuffer(whole.pixels, np.uint8).copy()
    light = pixels[: 64 * 64 * (3 if whole.layout == "rgb" else 1)].reshape(64, -1)
    light[16:48] = 200  # the lower half of it is within the part
    given = replace(whole, pixels=memoryview(pixels.tobytes()))
    writer = FragmentWriter(Encoding(32, 48, video, part_of=(16, 0, 64, 64)), 25)
    film = writer.init + writer.push(tone(), given, 0.0) + writer.finish()
    with av.open(io.BytesIO(film), "r") as container:
        frame = next(container.decode(video=0)).to_ndarray(format="gray")
    assert frame.shape == (48, 32)
    assert frame[:14].mean() < 30
    assert frame[18:].mean() > 170


def test_a_part_that_lies_outside_is_refused() -> None:
    with pytest.raises(BadInput, match="not within"):
        FragmentWriter(Encoding(64, 64, part_of=(2, 0, 64, 64)), 25)


@pytest.mark.parametrize("video", ["h264", "vp9"])
def test_a_bit_rate_bounds_what_pictures_take(video: VideoCodec) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (25, 64, 64, 3), np.uint8)
    sizes = []
    for bitrate in (0, 100_000):
        writer = FragmentWriter(Encoding(64, 64, video, bitrate=bitrate), 25)
        sizes.append(len(writer.push(tone(1.0), Pictures(memoryview(noise.tobytes()), 64, 64), 0.0)))
    free, bounded = sizes
    assert bounded < 0.6 * free


@pytest.mark.parametrize("encoding", [SMALL, Encoding(64, 64, "vp9"), Encoding(64, 64, "h264", "aac")])
def test_a_player_sees_and_hears_the_whole_answer(encoding: Encoding) -> None:
    film = answer(FragmentWriter(encoding, 25))
    seen = shades(film)
    assert len(seen) == 25
    assert np.abs(np.diff(seen) - 5).max() < 4
    with av.open(io.BytesIO(film), "r") as container:
        heard = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert heard == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("video", ["h264", "vp9"])
def test_planes_are_shown_as_they_are(video: VideoCodec) -> None:
    writer = FragmentWriter(Encoding(64, 64, video), 25)
    film = writer.init + writer.push(tone(), planar(40, 80, 120, 160, 200).part(0, 4), 0.0)
    film += writer.push(tone(0.4)) + writer.finish()
    with av.open(io.BytesIO(film), "r") as container:
        seen = [planes_of(frame)[0].mean() for frame in container.decode(video=0)]
    assert seen[:4] == pytest.approx([40, 80, 120, 160], abs=3)
    assert seen[4:] == pytest.approx([160] * 11, abs=3)


@pytest.mark.parametrize("pictures", [pictures, planar])
def test_a_label_is_on_every_picture(pictures: Callable[..., Pictures]) -> None:
    label = visible_label(256, 256, place="top-left")
    writer = FragmentWriter(Encoding(256, 256), 25, label=label)
    film = writer.init + writer.push(tone(), pictures(40, 120, size=256), 0.0) + writer.push(tone()) + writer.finish()
    with av.open(io.BytesIO(film), "r") as container:
        corners = [planes_of(frame)[0][8:36, 8:120].max() for frame in container.decode(video=0)]
    assert len(corners) == 10
    assert min(corners) > 200


@pytest.mark.parametrize("fps", [25, 15])
def test_picture_n_is_shown_n_steps_after_sample_0(fps: int) -> None:
    writer = FragmentWriter(SMALL, fps)
    times = tracks(answer(writer, fps=fps))
    assert np.allclose(times["video"], np.arange(fps) / fps, atol=1e-4)
    assert times["audio"][0] == 0
    assert np.diff(times["audio"]).max() <= 0.021


def test_pictures_leave_with_the_slice_they_came_in() -> None:
    writer = FragmentWriter(SMALL, 25)
    for number in range(5):
        parts = samples(writer.push(tone(), pictures(*[9] * 5), number * 0.2))
        assert sum(part.track == 1 for part in parts) == 5


def test_the_first_slice_brings_picture_and_sound() -> None:
    parts = samples(FragmentWriter(SMALL, 25).push(tone(), pictures(0, 50, 100, 150, 200), 0.0))
    assert {part.track for part in parts} == {1, 2}
    assert min(part.start for part in parts if part.track == 1) == 0


def test_a_picture_that_is_missing_is_the_one_before_it() -> None:
    writer = FragmentWriter(SMALL, 25)
    film = writer.init + writer.push(tone(), pictures(*[40] * 5), 0.0) + writer.push(tone(0.4))
    film += writer.push(tone(), pictures(*[200] * 5), 0.6) + writer.finish()
    times = tracks(film)["video"]
    assert np.allclose(times, np.arange(20) / 25, atol=1e-4)
    seen = shades(film)
    assert np.abs(seen[:15] - 40).max() < 6
    assert np.abs(seen[15:] - 200).max() < 6


def test_pictures_last_as_long_as_the_sound() -> None:
    writer = FragmentWriter(SMALL, 25)
    film = writer.init + writer.push(tone(), pictures(*[40] * 5), 0.0) + writer.push(tone(1.0)) + writer.finish()
    assert tracks(film)["video"][-1] == pytest.approx(1.16)


def test_the_first_picture_is_there_from_the_first_sample_on() -> None:
    writer = FragmentWriter(SMALL, 25)
    film = writer.init + writer.push(tone(), pictures(*[40] * 5), 0.02) + writer.finish()
    assert tracks(film)["video"][0] == 0


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (SMALL, r'video/mp4; codecs="avc1.42c00a,opus"'),
        (Encoding(64, 64, "vp9", "aac"), r'video/mp4; codecs="vp09.00.10.08,mp4a.40.2"'),
    ],
)
def test_the_codecs_are_named_as_browsers_want_them(encoding: Encoding, expected: str) -> None:
    assert FragmentWriter(encoding, 25).mime == expected


def test_opus_is_declared_as_browsers_want_it() -> None:
    init = FragmentWriter(SMALL, 25).init
    box = init.index(b"dOps") + 4
    assert int.from_bytes(init[box + 4 : box + 8], "big") == 48_000


def test_what_is_no_init_segment_has_no_codecs() -> None:
    with pytest.raises(BadInput, match="no tracks"):
        mime(b"")


def test_the_init_segment_says_that_all_of_it_is_generated() -> None:
    writer = FragmentWriter(SMALL, 25, {"comment": "made by software"})
    with av.open(io.BytesIO(answer(writer, 1))) as container:
        assert container.metadata["comment"] == "made by software"


@pytest.mark.parametrize(("width", "height", "fps"), [(63, 64, 25), (64, 0, 25), (64, 64, 0)])
def test_what_no_encoder_takes_is_refused(width: int, height: int, fps: int) -> None:
    with pytest.raises(BadInput):
        FragmentWriter(Encoding(width, height), fps)


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(BadInput, match="32x32"):
        FragmentWriter(SMALL, 25).push(tone(), pictures(0, size=32))


PARTS = st.lists(st.tuples(st.integers(1, 9_999), st.binary(min_size=1, max_size=40), st.booleans()), min_size=1)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(1, 3), st.tuples(st.integers(0, 2**40), PARTS), min_size=1))
def test_a_fragment_gives_back_what_was_put_into_it(
    tracks: dict[int, tuple[int, list[tuple[int, bytes, bool]]]],
) -> None:
    given_parts = []
    for track, (start, parts) in tracks.items():
        for lasts, data, key in parts:
            given_parts.append(Sample(track, start, lasts, data, key))
            start += lasts
    made = fragment(7, given_parts)
    assert samples(made) == given_parts
    assert [part.kind for part in boxes(made)] == ["moof", "mdat"]


@given(st.lists(st.binary(min_size=1, max_size=30).filter(lambda unit: b"\0\0" not in unit and unit[-1]), min_size=1))
def test_units_keep_their_bytes_when_start_codes_become_lengths(units: list[bytes]) -> None:
    stream = b"".join(b"\0\0\0\1" + unit for unit in units)
    assert length_prefixed(stream) == b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def test_what_is_no_box_is_refused() -> None:
    with pytest.raises(BadInput, match="no box"):
        list(boxes(b"\0\0\0\3moof"))
