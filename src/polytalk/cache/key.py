"""What a rendering is, as a name: equal content has an equal digest, and nothing else has.

A key is typed data, not a string put together: its canonical form is the MessagePack of its fields in order under
its tag, so that no two keys run into each other ("a" + "bc", "ab" + "c"). The revision of whatever renders it (code,
weights, options) is a field, so a new model never gives old audio.
"""

from hashlib import sha256
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from polytalk.types import Phone

Digest: TypeAlias = str
"""64 hexadecimal characters."""

_FORMAT = b"polytalk 2"
"""Changes when entries are written differently: all that was kept before is then never asked for again."""
_encoder = msgspec.msgpack.Encoder()


class SpeechKey(Struct, frozen=True, tag="speech"):
    """One spoken sentence: audio and its phones."""

    engine: str
    revision: str
    """Of the TTS: see `engines/revision.py`."""
    text: str
    voice: str
    language: str
    speed: float

    def __post_init__(self) -> None:
        force_setattr(self, "speed", float(self.speed))  # 1 and 1.0 are equal, and are written differently


class MouthKey(Struct, frozen=True, tag="mouth"):
    """The mouth to a piece of speech."""

    engine: str
    revision: str
    sound: Digest
    """Of the audio, or of its features."""
    phones: tuple[Phone, ...]
    first: int
    """Which mouth frames of it."""
    count: int


class ClipKey(Struct, frozen=True, tag="clip"):
    """A whole clip: who says what, how it sounds, and how it is drawn."""

    avatar: Digest
    """Of the bundle."""
    text: str
    audio: Digest
    mouth: Digest
    voice: str
    language: str
    renderer: str
    """Revision of what draws and writes it."""
    width: int
    height: int
    fps: int
    form: str
    """Suffix of the file: what it is written as."""
    mark: str
    """The visible mark and what the file says of its making."""


class SceneKey(Struct, frozen=True, tag="scene"):
    """Some of a clip's pictures, encoded."""

    engine: str
    revision: str
    """Of what encodes them."""
    look: str
    """Who is seen, how it is drawn, in which size and form, with which visible mark."""
    moves: Digest
    """What the face does, picture by picture."""
    sound: Digest
    """That it is drawn by; "" for none."""


class VectorKey(Struct, frozen=True, tag="vector"):
    """Where a text stands among others."""

    engine: str
    revision: str
    text: str


Key: TypeAlias = SpeechKey | MouthKey | ClipKey | SceneKey | VectorKey


def digest(key: Key) -> Digest:
    """The name that a rendering is kept under."""
    return digest_bytes(_encoder.encode(key))


def digest_bytes(data: bytes | bytearray) -> Digest:
    """Of plain content."""
    named = sha256(_FORMAT)  # processors have instructions for it: half of the time that BLAKE2 takes
    named.update(data)
    return named.hexdigest()
