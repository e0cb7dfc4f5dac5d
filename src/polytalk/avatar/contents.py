"""What the files of a bundle from elsewhere may hold: pictures and arrays of a bounded size, and JSON.

Digests say that a file is what its maker meant, not that its maker meant well: a picture of a few kilobytes may unpack
to gigabytes, and an array may hold pickled objects.
"""

import io
import warnings
import zipfile
from math import prod

import numpy as np
from PIL import Image

from polytalk.errors import BadInput

KINDS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "json": "application/json",
    "npy": "application/octet-stream",
    "npz": "application/octet-stream",
    "bin": "application/octet-stream",
}
"""By the end of a file's name: what a bundle may hold, and what it is served as. Nothing that a browser would run."""
PICTURE_SIDE = 4096
ARRAY_BYTES = 256 << 20
"""Of all arrays of a file, unpacked."""


def media_type(name: str) -> str:
    """What a file is served as."""
    return KINDS.get(name.rpartition(".")[2], "application/octet-stream")


def inspect(name: str, data: bytes) -> None:
    """Raises BadInput (code bundle_invalid) for a file that a bundle may not hold."""
    end = name.rpartition(".")[2]
    if end not in KINDS:
        raise _invalid(f"{name!r} is of no kind that a bundle may hold: {', '.join(KINDS)}")
    try:
        if KINDS[end].startswith("image/"):
            _inspect_picture(name, data)
        elif end == "npy":
            _inspect_array(name, data)
        elif end == "npz":
            _inspect_arrays(name, data)
    except (OSError, SyntaxError, ValueError, EOFError, zipfile.BadZipFile, Image.DecompressionBombError) as error:
        raise _invalid(f"{name!r} can't be read: {error}") from None
    except Image.DecompressionBombWarning:
        raise _invalid(f"the picture {name!r} has too many pixels") from None


def _inspect_picture(name: str, data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as picture:
            if max(picture.size) > PICTURE_SIDE:
                raise _invalid(f"the picture {name!r} has {picture.size} pixels, {PICTURE_SIDE} a side at most")


def _inspect_array(name: str, data: bytes) -> int:
    """Its header says no more and no less than what is there; returns its bytes."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    size = prod(shape) * dtype.itemsize
    if dtype.hasobject or size != len(data) - stream.tell():
        raise _invalid(f"the array {name!r} is not what its header says, or holds objects")
    return size


def _inspect_arrays(name: str, data: bytes) -> None:
    room = ARRAY_BYTES
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                array = stream.read(room + 1)
            if len(array) > room:
                raise _invalid(f"the arrays of {name!r} unpack to more than {ARRAY_BYTES >> 20} MiB")
            room -= _inspect_array(f"{name}/{entry.filename}"[:120], array)


def _invalid(message: str) -> BadInput:
    return BadInput(message, code="bundle_invalid")
