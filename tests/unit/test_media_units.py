"""Access units: what is encoded is what decoders show, and key pictures come when they are asked for."""

import av
import numpy as np
import pytest

from polytalk.errors import BadInput
from polytalk.media.fragments import Encoding, VideoCodec
from polytalk.media.labels import visible_label
from polytalk.media.units import CODECS, Unit, UnitWriter
from polytalk.types import Pictures

SIZE = 128
DECODERS = {"h264": "h264", "vp8": "vp8"}


def greys(*levels: int) -> Pictures:
    pixels = b"".join(bytes([level]) * (3 * SIZE * SIZE) for level in levels)
    return Pictures(memoryview(pixels), SIZE, SIZE)


def writer(codec: VideoCodec, size: int = SIZE) -> UnitWriter:
    return UnitWriter(Encoding(size, size, codec), 25)


def shown(codec: str, units: tuple[Unit, ...]) -> list[int]:
    """Mean Y' of each picture."""
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))]  # type: ignore[attr-defined]
    frames += decoder.decode(None)  # type: ignore[attr-defined]
    return [round(float(frame.to_ndarray(format="gray").mean())) for frame in frames]


@pytest.mark.parametrize("codec", CODECS)
def test_pictures_come_out_one_by_one_as_they_went_in(codec: VideoCodec) -> None:
    encoder = writer(codec)
    first, second = encoder.push(b"", greys(40, 200), 0.4), encoder.push(b"", greys(120), 0.48)
    assert [unit.at for unit in (*first, *second)] == pytest.approx([0.4, 0.44, 0.48])
    assert [unit.key for unit in (*first, *second)] == [True, False, False]
    dark, bright, middle = shown(codec, first + second)
    assert dark < middle < bright
    assert encoder.finish() == ()
    assert encoder.push(b"sound") == ()


@pytest.mark.parametrize("codec", CODECS)
def test_who_comes_in_at_a_key_picture_that_was_asked_for_sees_the_rest(codec: VideoCodec) -> None:
    encoder = writer(codec)
    encoder.push(b"", greys(40, 40))
    encoder.wants_key = True
    late = encoder.push(b"", greys(200, 60))
    assert [unit.key for unit in late] == [True, False]
    bright, dark = shown(codec, late)
    assert bright > 150 > 100 > dark


def test_the_label_is_printed_on_them() -> None:
    encoder = UnitWriter(Encoding(SIZE, SIZE, "vp8"), 25, None, visible_label(SIZE, SIZE))
    (plain,), (labelled,) = (
        shown("vp8", writer("vp8").push(b"", greys(200))),
        shown("vp8", encoder.push(b"", greys(200))),
    )
    assert labelled < plain


def test_what_can_not_be_encoded_is_refused() -> None:
    with pytest.raises(BadInput, match="vp9"):
        writer("vp9")
    with pytest.raises(BadInput, match="even"):
        writer("vp8", 65)
    with pytest.raises(BadInput, match="128x128"):
        writer("vp8", 64).push(b"", greys(1))


def test_planes_of_encoders_are_taken_as_they_are() -> None:
    planes = np.concatenate([np.full(SIZE * SIZE, 180, np.uint8), np.full(SIZE * SIZE // 2, 128, np.uint8)])
    pictures = Pictures(memoryview(planes.tobytes()), SIZE, SIZE, layout="yuv420")
    assert shown("h264", writer("h264").push(b"", pictures))[0] == pytest.approx(
        191, abs=12
    )  # 180 in the limited range
