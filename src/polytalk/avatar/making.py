"""From a stranger's photograph to a bundle: read, find the face, check, frame, build, write down."""

import importlib
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image

from polytalk import __version__
from polytalk.avatar import checks, framing, intake, landmarks
from polytalk.avatar.library import list_files
from polytalk.avatar.manifest import FILE, PORTRAIT, PREVIEW, Consent, Manifest, Warned, check

LANDMARKS = "landmarks.npy"
"""Those of the framed photograph, [478, 3] float32: with both a later version can build the face anew."""
FACE = "face"
"""The folder of what `photo.build` made."""
PREVIEW_SIDE = 512
OnProgress = Callable[[str, float], None]
"""(step, share done in 0..1); steps are read, find, check, build, write."""
SAME = {"mouth_stretched": {"lips_parted", "teeth", "mouth_open"}}
"""What building finds that was said before it under another name."""
_SHARES = {"read": 0.0, "find": 0.05, "check": 0.2, "build": 0.25, "write": 0.95}


class Order(Struct, frozen=True):
    """What is said about a photograph besides itself."""

    id: str
    name: dict[str, str]
    voice: str
    consent: Consent


def make(photograph: bytes, order: Order, folder: Path, cache: Path, on_progress: OnProgress) -> Manifest:
    """Fill an empty folder with a bundle; takes seconds of one core.

    Raises BadInput for pictures that can't be read, Unsuitable for those that make no avatar, EngineFailed, SetupError.
    """
    on_progress("read", _SHARES["read"])
    picture = intake.read(photograph)
    on_progress("find", _SHARES["find"])
    faces = [face.points for face in landmarks.find(picture, cache)]
    on_progress("check", _SHARES["check"])
    found = checks.check_place(faces, (picture.shape[1], picture.shape[0]))
    if not any(one.code in ("no_face", "several_faces") for one in found):
        portrait, points = framing.frame(picture, faces[0])
        found += checks.check_face(portrait, points)
    checks.insist(found)
    on_progress("build", _SHARES["build"])
    warned = [Warned(one.code, one.text) for one in found]
    known = {one.code for one in found}
    built = _build(portrait, points, folder, on_progress, blinks=not known & checks.HIDING)
    warned += [one for one in built if not known & SAME.get(one.code, set())]
    on_progress("write", _SHARES["write"])
    _write_pictures(portrait, points, folder)
    manifest = Manifest(
        format="polytalk-avatar/2",
        kind="photo",
        id=order.id,
        name=order.name,
        voice=order.voice,
        style="photo",
        made_with=f"polytalk {__version__}",
        files=list_files(folder),
        consent=order.consent,
        warnings=warned,
    )
    check(manifest)
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    on_progress("write", 1.0)
    return manifest


def _build(
    portrait: NDArray[np.uint8], points: NDArray[np.float32], folder: Path, on_progress: OnProgress, *, blinks: bool
) -> list[Warned]:
    photo = _photo()
    if photo is None:
        return []
    start, end = _SHARES["build"], _SHARES["write"]
    face = photo.build(
        portrait, points, lambda _, share: on_progress("build", start + (end - start) * float(share)), blinks=blinks
    )
    (folder / FACE).mkdir()
    face.save(folder / FACE)
    return [Warned(one.code, one.text) for one in map(checks.finding, face.warnings)]


def _photo() -> Any:
    """What makes a face that talks; without it an avatar is its still portrait."""
    if importlib.util.find_spec("polytalk.avatar.photo") is None:
        return None
    return importlib.import_module("polytalk.avatar.photo")


def _write_pictures(portrait: NDArray[np.uint8], points: NDArray[np.float32], folder: Path) -> None:
    picture = Image.fromarray(portrait)
    picture.save(folder / PORTRAIT)
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.LANCZOS)
    picture.save(folder / PREVIEW)
    array = io.BytesIO()
    np.save(array, points.astype(np.float32), allow_pickle=False)
    (folder / LANDMARKS).write_bytes(array.getvalue())
