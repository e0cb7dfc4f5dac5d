"""A network's mouths, drawn once for an avatar and then played as a photograph's are.

import:  speech with its mouths ─▶ `choose`: 192 moments that are unlike each other, kept beside the graph
avatar:  the network, once for each of them ─▶ `NetMouths.write`: beside the avatar, by what they were made of
playing: `NetMouths` ─▶ the two mouths nearest to what the parameters ask for, blended
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.library import Bundle
from polytalk.avatar.manifest import FACE
from polytalk.avatar.photo.codebook import SHUT, Blend, nearest_blend
from polytalk.avatar.photo.face import PhotoFace, Picture
from polytalk.avatar.pictures import Box
from polytalk.avatar.shelf import Shelf
from polytalk.avatar.warp import grown
from polytalk.engines.revision import revision
from polytalk.engines.synthesise import wav2lip_mel
from polytalk.engines.synthesise.face_crop import LANDMARKS, MOUTH, PORTRAIT, SIDE, FaceCrop, of_face
from polytalk.errors import BadInput, ModelMissing
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE

SHAPES = 192
"""Mouths of a codebook: 5 MB of one avatar, and 10 to 20 s of a core to draw."""
EACH = 3 * SIDE * SIDE
STEP = 8
"""Mouths in one call of the network, between which filling can be stopped."""
NAMES = tuple(name for name in MOUTH_PARAMS if name != "blink")
_PRESS = NAMES.index("press")
_WEIGHTS = np.array([29.0, 6.0, 14.0, 5.0, 6.0, 4.5, 1.5, 4.0])
"""Pixels of 512 that each parameter moves something by; `press` takes back what parts the lips."""
_PARTING = np.array([name in ("jaw", "upper", "lower", "teeth", "tongue") for name in NAMES])
Draw = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
"""The network: mels [B, 1, 80, 16] and faces [B, 6, 96, 96] to pictures [B, 3, 96, 96]."""


class Moments(NamedTuple):
    """Of speech that a codebook is drawn to."""

    mels: NDArray[np.float32]
    """[SHAPES, 1, 80, 16]: what the network hears."""
    mouths: NDArray[np.float32]
    """[SHAPES, 8]: where our mouth is; silence first."""


def choose(spoken: Sequence[tuple[bytes, bytes]]) -> Moments:
    """Of audio (PCM16 at `SPEECH_RATE`) and its `MouthFrames.frames`. Raises BadInput for too little speech.

    Takes the moment furthest from all that were taken, again and again: what is rare is as needed as what is common.
    """
    mouths, mels = [np.zeros((1, len(NAMES)))], [wav2lip_mel.windows(b"", [0.0])]
    for audio, frames in spoken:
        moved = np.frombuffer(frames, np.uint8).reshape(-1, len(MOUTH_PARAMS))[:, : len(NAMES)] / 255.0
        mouths.append(moved)
        mels.append(wav2lip_mel.windows(audio, [index / MOUTH_RATE for index in range(len(moved))]))
    every, heard = np.concatenate(mouths), np.concatenate(mels)
    if len(every) < SHAPES:
        raise BadInput(f"{len(every)} moments of speech are too few to choose {SHAPES} of; speak for some seconds")
    places = _places(every)
    taken, apart = [0], np.linalg.norm(places - places[0], axis=1)
    while len(taken) < SHAPES:
        taken.append(int(apart.argmax()))
        apart = np.minimum(apart, np.linalg.norm(places - places[taken[-1]], axis=1))
        apart[taken] = -1.0
    return Moments(heard[taken].astype(np.float32), every[taken].astype(np.float32))


def _places(mouths: NDArray[np.floating]) -> NDArray[np.float64]:
    """[..., 16]: how the lips part, then the parameters themselves at a quarter."""
    open_ = 1.0 - mouths[..., _PRESS : _PRESS + 1]
    parted = np.where(_PARTING, mouths * open_, mouths) * _WEIGHTS
    return np.concatenate([parted, 0.25 * mouths * _WEIGHTS], axis=-1)


def write_moments(path: Path, moments: Moments) -> None:
    """Whole or not at all."""
    out = io.BytesIO()
    np.savez(out, mels=moments.mels.astype(np.float16), mouths=moments.mouths)
    draft = path.with_suffix(".partial")
    try:
        draft.write_bytes(out.getvalue())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_moments(path: Path) -> Moments:
    """Raises ModelMissing."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            found = Moments(kept["mels"].astype(np.float32), kept["mouths"].astype(np.float32))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelMissing(
            f"there is no speech to draw a codebook to ({path}: {error}); import the checkpoint again"
        ) from error
    if found.mels.shape != (SHAPES, 1, 80, 16) or found.mouths.shape != (SHAPES, len(NAMES)):
        raise ModelMissing(f"{path} is of another version; import the checkpoint again")
    return found


def can_have(avatar: Bundle) -> bool:
    """Photographs whose face was built: the head's motion is the mesh's."""
    return not avatar.shipped and {FACE, PORTRAIT, LANDMARKS} <= avatar.manifest.files.keys()


def shelf_of(avatar: Bundle, model: str) -> Shelf | None:
    """Where the codebook of an avatar by a model (its digest) is kept."""
    return Shelf.open(avatar.folder, revision("polytalk.engines.synthesise", weights=[model, avatar.digest]))


def fill(avatar: Bundle, face: FaceCrop, model: str, moments: Moments, draw: Draw, going: Callable[[], bool]) -> bool:
    """Draw the avatar's codebook and keep it; whether it is there now. `going` says whether to go on."""
    inputs, drawn = face.input(), list[NDArray[np.uint8]]()
    for at in range(0, SHAPES, STEP):
        if not going():
            return False
        part = draw(moments.mels[at : at + STEP], np.repeat(inputs[None], STEP, axis=0))
        drawn.append(np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8))
    shelf = shelf_of(avatar, model)
    if shelf is None:
        return False
    shelf.write("mouths", [np.concatenate(drawn).tobytes(), moments.mouths.astype("<f4").tobytes()])
    return is_there(avatar, model)


def is_there(avatar: Bundle, model: str) -> bool:
    """Whether a whole codebook is kept."""
    return _read(avatar, model) is not None


def _read(avatar: Bundle, model: str) -> bytes | None:
    shelf = shelf_of(avatar, model)
    return shelf.read("mouths", SHAPES * (EACH + 4 * len(NAMES))) if shelf is not None else None


class NetMouths:
    """`avatar.photo.mouths.Mouths` of a codebook."""

    def __init__(self, face: PhotoFace, points: NDArray[np.floating], kept: bytes) -> None:
        """`face` at the size of the pictures, its landmarks [478, 2] in their pixels."""
        self._drawn = np.frombuffer(kept[: SHAPES * EACH], np.uint8).reshape(SHAPES, 3, SIDE, SIDE)
        mouths = np.frombuffer(kept[SHAPES * EACH :], "<f4").reshape(SHAPES, len(NAMES))
        self._keys = _places(mouths)
        self._shut = np.flatnonzero(mouths[:, _PRESS] > SHUT)
        self._crop = of_face(face.portrait, points)
        crop = self._crop
        # Where it meets the eyes' patches nothing of it is seen yet: it fades in from there.
        top = max(crop.top + round(MOUTH * crop.height), *(box[3] for box in face.eye_boxes), 0)
        self.box: Box = grown((crop.left, top, crop.left + crop.width, crop.top + crop.height), 0, (face.size,) * 2)

    def find(self, parameters: Mapping[str, float]) -> Blend:
        """By our own mouth's parameters; sealed ones of sealed ones alone."""
        wanted = np.array([min(1.0, max(0.0, parameters.get(name, 0.0))) for name in NAMES])
        if wanted[_PRESS] > SHUT and len(self._shut):
            found = nearest_blend(_places(wanted), self._keys[self._shut])
            return Blend(int(self._shut[found.first]), int(self._shut[found.second]), found.share)
        return nearest_blend(_places(wanted), self._keys)

    def draw(self, code: int) -> Picture:
        """The network's 96 pixels a side at the portrait's resolution, with soft edges."""
        left, top, right, bottom = self.box
        whole = self._crop.picture.copy()
        self._crop.paste(self._drawn[code].astype(np.float32) / np.float32(255), whole[self._crop.box])
        return whole[top:bottom, left:right]


def speaking_with(avatar: Bundle, face: PhotoFace, model: str) -> NetMouths | None:
    """The avatar's mouths by a model, for a face at some size; None where they were not drawn yet."""
    kept = _read(avatar, model) if can_have(avatar) else None
    if kept is None:
        return None
    points: NDArray[Any] = np.load(io.BytesIO(avatar.read(LANDMARKS)), allow_pickle=False)
    with suppress(OSError, ValueError):
        from PIL import Image

        width = Image.open(io.BytesIO(avatar.read(PORTRAIT))).width
        return NetMouths(face, points[:, :2] * (face.size / width), kept)
    return None
