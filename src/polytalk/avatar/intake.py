"""A stranger's picture file, read safely: bounded before it is decoded, upright, sRGB, 8 bit."""

import io
import struct
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from polytalk.errors import BadInput

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
"""Of the picture as it is stored; phones take 12 to 50, and save their 50 as 12."""
MIN_SIDE = 160
"""Below it no face in the picture has the 120 pixels that it must have."""
MAX_SIDE = 2048
"""Larger pictures are scaled down to it: enough for a face that fills a third of the picture."""
BEHIND = (216, 216, 216)
"""What is seen through transparent pixels."""
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B")
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, KeyError, IndexError, MemoryError)
"""What Pillow's decoders raise on damaged files."""


def read(data: bytes) -> NDArray[np.uint8]:
    """The picture as [H, W, 3] sRGB, at most `MAX_SIDE` a side.

    Raises BadInput with a code: picture_too_large, picture_format, picture_too_small, picture_damaged.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"the picture file has {len(data) / 1e6:.1f} MB; {MAX_BYTES // 1_000_000} MB at most, so save it as JPEG",
            code="picture_too_large",
            param="image",
        )
    kind = recognise(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=[kind]) as opened:
                return _decode(opened)
    except BadInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many("hundreds of millions of") from None
    except _BROKEN as error:
        raise BadInput(
            f"the {kind} file is damaged or not whole ({error}); copy it again, or open it and save it anew",
            code="picture_damaged",
            param="image",
        ) from None


def recognise(data: bytes) -> str:
    """JPEG, PNG or WEBP by the file's first bytes, whatever it is called. Raises BadInput that says what it is."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise BadInput(
        f"the file is {_what(data)}, whatever its name ends in; give a JPEG, PNG or WebP picture",
        code="picture_format",
        param="image",
    )


_KINDS = {
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"8BPS": "a Photoshop file",
    b"\xff\x0a": "a JPEG XL picture",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_BRANDS = {b"avif": "an AVIF picture", b"heic": "a HEIC picture", b"heix": "a HEIC picture", b"mif1": "a HEIF picture"}


def _what(data: bytes) -> str:
    if not data:
        return "empty"
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "a video")
    for beginning, name in _KINDS.items():
        if data.startswith(beginning):
            return name
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if head.startswith(b"<?xml"):
        return "an XML document"
    return "no picture that is known here"


def _decode(picture: Image.Image) -> NDArray[np.uint8]:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_many(f"{width} × {height}")
    if min(width, height) < MIN_SIDE:
        raise BadInput(
            f"the picture has {width} × {height} pixels; the face alone needs 120, better 300, so give the original "
            "photograph, and not its thumbnail",
            code="picture_too_small",
            param="image",
        )
    profile = picture.info.get("icc_profile")
    if picture.format == "JPEG" and picture.mode in ("RGB", "L"):
        picture.draft(picture.mode, (MAX_SIDE, MAX_SIDE))  # decodes no more than is kept
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    colours = _to_srgb(upright, profile)
    colours.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(colours, dtype=np.uint8))


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if picture.mode in _SIXTEEN_BIT:  # Pillow would cut off at 255 what it should divide
        deep = np.asarray(picture).astype(np.int64)
        picture = Image.fromarray((deep.clip(0, 65_535) >> 8).astype(np.uint8))
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    if alpha is not None:
        picture = picture.convert("RGB")
    picture = _managed(picture, profile)
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, BEHIND), alpha)
    return picture


def _managed(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """By the profile that the file carries, where it carries a usable one."""
    if profile and picture.mode in ("RGB", "L", "CMYK"):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            managed = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            managed = None  # a profile of another colour space than the picture's, or a broken one: as if it had none
        if managed is not None:
            return managed
    return picture.convert("RGB")


def _too_many(size: str) -> BadInput:
    return BadInput(
        f"the picture has {size} pixels; {MAX_PIXELS // 1_000_000} megapixels at most, so scale it down",
        code="picture_too_large",
        param="image",
    )
