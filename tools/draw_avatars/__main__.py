"""Writes the drawing of every face, and a preview, into the package's library."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
from PIL import Image

from polytalk.avatar import bundle
from polytalk.avatar.bundle import Avatar
from polytalk.avatar.raster import Renderer
from tools.draw_avatars import mira, theo

FACES: dict[str, Callable[[], Avatar]] = {"mira": mira.draw, "theo": theo.draw}
PREVIEW_SIDE = 384
LIBRARY = Path(bundle.__file__).parent / "library"


def encode(avatar: Avatar) -> bytes:
    """The bundle as it is committed: one layer a line, so that a diff shows which one changed."""
    lines = re.sub(rb'(?=\{"id":"[^"]*","ops")', b"\n", msgspec.json.encode(avatar))
    return re.sub(rb"\.0(?=[,\]}])", b"", lines) + b"\n"


def preview(avatar: Avatar) -> bytes:
    """A still of it with a slight smile, as PNG."""
    picture = io.BytesIO()
    Image.fromarray(Renderer(avatar, (PREVIEW_SIDE, PREVIEW_SIDE)).frame({"smile": 0.4})).save(
        picture, "PNG", optimize=True
    )
    return picture.getvalue()


def main() -> None:
    """Draw, check, write."""
    for name, draw in FACES.items():
        data = encode(draw())
        bundle.parse(data)
        folder = LIBRARY / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "avatar.json").write_bytes(data)
        (folder / "preview.png").write_bytes(preview(bundle.parse(data)))
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
