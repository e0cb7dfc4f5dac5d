"""What is done of a clip that is not done yet, in a folder beside the target: whoever was killed goes on from there."""

import os
import shutil
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct

from polytalk.cache.key import digest_bytes
from polytalk.errors import SetupError
from polytalk.media.scenes import Scene


class Part(Struct, frozen=True):
    """One sentence."""

    audio: bytes
    """PCM16 at `SPEECH_RATE`, whole mouth frames."""
    mouth: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Part)
_scenes = msgspec.msgpack.Decoder(Scene)
_SUM = len(digest_bytes(b""))


class Parts:
    """The folder of what is done: sentences, and scenes."""

    def __init__(self, target: Path) -> None:
        self.folder = target.parent / f".{target.name}.parts"
        self._target = target

    def open(self) -> None:
        """Make the folder. Raises SetupError when the target's can't be written."""
        try:
            self.folder.mkdir(exist_ok=True)
            probe = self.folder / "probe"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise self._explained(error) from error

    def __contains__(self, name: str) -> bool:
        return (self.folder / name).exists()

    def put(self, name: str, part: Part) -> None:
        """Keep a sentence, whole or not at all. Raises SetupError when the disk is full."""
        self._keep(name, _encoder.encode(part))

    def put_scene(self, name: str, scene: Scene) -> None:
        """Keep a scene likewise, with a sum over its name and all of it."""
        content = _encoder.encode(scene)
        self._keep(name, _sum(name, content) + content)

    def scene(self, name: str, pictures: int) -> Scene | None:
        """A scene of so many pictures; None if there is none, or not what was written under the name."""
        try:
            kept = (self.folder / name).read_bytes()
            content = kept[_SUM:]
            found = _scenes.decode(content) if kept[:_SUM] == _sum(name, content) else None
        except (OSError, msgspec.DecodeError):
            return None
        return found if found is not None and len(found.pictures) == pictures else None

    def _keep(self, name: str, content: bytes) -> None:
        beside = self.folder / f"{uuid4().hex}.new"
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.folder / name)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise self._explained(error) from error

    def get(self, name: str) -> Part:
        """Raises SetupError for one that somebody took away or damaged meanwhile."""
        try:
            return _decoder.decode((self.folder / name).read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise SetupError(
                f"{self.folder} has changed while it was read ({error}); remove it and start again"
            ) from None

    def remove(self) -> None:
        """The clip is written, and nothing of this is needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _explained(self, error: OSError) -> SetupError:
        reason = error.strerror or error
        return SetupError(
            f"can't write {self._target}: {reason}; check the folder, its rights, and free space. What is done is kept "
            "beside it"
        )


def _sum(name: str, content: bytes) -> bytes:
    return digest_bytes(name.encode() + content).encode()
