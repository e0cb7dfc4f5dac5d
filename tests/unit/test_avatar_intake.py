"""Pictures of strangers: read whole, upright and in sRGB, or refused with a word that helps."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from polytalk.avatar import intake
from polytalk.errors import BadInput
from tests.support.photographs import encoded, skin


def refused(data: bytes) -> BadInput:
    with pytest.raises(BadInput) as error:
        intake.read(data)
    assert error.value.param == "image"
    return error.value


def halves(upper: tuple[int, ...], lower: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    picture = Image.new(mode, (300, 400), lower if len(lower) > 1 else lower[0])
    picture.paste(upper if len(upper) > 1 else upper[0], (0, 0, 300, 200))
    return picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_three_kinds_are_read(kind: str) -> None:
    picture = skin(300)
    read = intake.read(encoded(picture, kind, quality=95))
    assert read.shape == (300, 300, 3)
    assert np.abs(read.mean((0, 1)) - picture.mean((0, 1))).max() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_the_camera_was_held(orientation: int) -> None:
    upright = halves((250, 0, 0), (0, 0, 250))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(back[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = intake.read(encoded(stored, "JPEG", exif=exif))
    assert read.shape == (400, 300, 3)
    assert read[50, 150, 0] > 200 > read[50, 150, 2]
    assert read[350, 150, 2] > 200 > read[350, 150, 0]


@pytest.mark.parametrize(
    ("picture", "kind", "above", "below"),
    [
        (halves((200,), (40,), "L"), "PNG", (200, 200, 200), (40, 40, 40)),
        (halves((200, 255), (40, 255), "LA"), "PNG", (200, 200, 200), (40, 40, 40)),
        (halves((1,), (0,), "1"), "PNG", (255, 255, 255), (0, 0, 0)),
        (halves((200, 10, 10), (10, 10, 200)).quantize(4), "PNG", (200, 10, 10), (10, 10, 200)),
        (halves((200, 10, 10, 255), (10, 10, 200, 0), "RGBA"), "PNG", (200, 10, 10), intake.BEHIND),
        (halves((0, 255, 255, 0), (255, 255, 0, 0), "CMYK"), "JPEG", (255, 0, 0), (0, 0, 255)),
    ],
    ids=["grey", "grey with alpha", "black and white", "palette", "alpha", "cmyk"],
)
def test_every_kind_of_colours_becomes_rgb(
    picture: Image.Image, kind: str, above: tuple[int, ...], below: tuple[int, ...]
) -> None:
    read = intake.read(encoded(picture, kind)).astype(int)
    assert np.abs(read[100, 150] - above).max() <= 12
    assert np.abs(read[300, 150] - below).max() <= 12


def test_sixteen_bits_are_divided_and_not_cut_off() -> None:
    deep = np.full((200, 200), 32_768, np.uint16)
    assert np.abs(intake.read(encoded(Image.fromarray(deep))).astype(int) - 128).max() <= 1


def test_a_colour_profile_is_applied_and_a_broken_one_ignored() -> None:
    picture = Image.new("RGB", (200, 200), (200, 60, 60))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (b"nonsense", lab):
        assert np.abs(intake.read(encoded(picture, icc_profile=profile)).astype(int) - (200, 60, 60)).max() <= 2


def test_large_pictures_are_scaled_down() -> None:
    picture = Image.new("RGB", (6000, 4000), (90, 120, 150))
    assert intake.read(encoded(picture, "JPEG")).shape == (1365, 2048, 3)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    for width, height in ((30_000, 30_000), (8_000, 8_000), (2_000_000, 200)):
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
        idat = struct.pack(">I", 4) + b"IDAT" + b"abcd" + struct.pack(">I", zlib.crc32(b"IDATabcd"))
        error = refused(b"\x89PNG\r\n\x1a\n" + chunk + idat)
        assert error.detail == "picture_too_large"
        assert "40 megapixels" in error.message


def test_too_many_bytes_are_refused_unread() -> None:
    error = refused(bytes(intake.MAX_BYTES + 1))
    assert (error.detail, "20.0 MB" in error.message) == ("picture_too_large", True)


def test_a_thumbnail_is_too_small_and_told_so() -> None:
    error = refused(encoded(skin(30)))
    assert error.detail == "picture_too_small"
    assert "30 × 30" in error.message
    assert "original" in error.message


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_half_a_file_is_damaged(kind: str) -> None:
    data = encoded(skin(300), kind)
    error = refused(data[: len(data) // 2])
    assert error.detail == "picture_damaged"
    assert "copy it again" in error.message


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("face.jpg", b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b'<?xml version="1.0"?>\n<svg/>', "an SVG drawing"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (zipped(), "a ZIP archive"),
        (encoded(skin(200), "GIF"), "a GIF picture"),
        (encoded(skin(200), "TIFF"), "a TIFF picture"),
        (encoded(skin(200), "BMP"), "a BMP picture"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(32), "a HEIC picture"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(32), "a video"),
        (b"%PDF-1.7", "a PDF document"),
        (b"", "empty"),
        (b"hello", "no picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, what: str) -> None:
    error = refused(data)
    assert error.detail == "picture_format"
    assert what in error.message


PICTURES = [encoded(skin(200), kind) for kind in ("PNG", "JPEG", "WEBP")]


@given(st.sampled_from(PICTURES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20))
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(data: bytes, changes: list[tuple[float, int]]) -> None:
    broken = bytearray(data)
    for where, value in changes:
        broken[int(where * (len(broken) - 1))] = value
    code = ""
    try:
        read = intake.read(bytes(broken))
    except BadInput as error:
        code = error.detail
    else:
        assert (read.dtype.name, read.shape[2]) == ("uint8", 3)
    assert not code or code.startswith("picture_")
