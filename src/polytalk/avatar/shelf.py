"""Patches that were drawn before, on disk: a file each, so that another process need not draw them again.

A file is whole or not there at all, and one that is not what was written is taken for none. Nothing here is the only
copy of anything: where the disk is full or may not be written, drawing goes on without.
"""

import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

log = logging.getLogger(__name__)

FOLDER = ".patches"
"""Of an avatar's folder, so that they go with it when it is removed."""
SHELVES = 4
"""Of one avatar: sizes and versions, those that were opened last."""
_SUM = 16


class Shelf:
    """The patches of one avatar at one size, as one version draws them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writes = True

    @classmethod
    def open(cls, home: Path, name: str) -> "Shelf | None":
        """The shelf of this name; older ones of the same home give way. None where nothing can be kept."""
        folder = home / FOLDER / name
        try:
            # Never `parents`: an avatar that was removed meanwhile must not come back as a folder of its mouth.
            for one in (folder.parent, folder):
                one.mkdir(mode=0o700, exist_ok=True)
            os.utime(folder)
            others = sorted(folder.parent.iterdir(), key=lambda one: one.stat().st_mtime_ns, reverse=True)
            for old in [one for one in others if one.is_dir() and one != folder][SHELVES - 1 :]:
                shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            log.info("patches can't be kept in %s: %s", home, error)
            return None
        return cls(folder)

    def names(self) -> list[str]:
        """Of what is kept, the latest first."""
        found = list[tuple[int, str]]()
        with suppress(OSError):
            for entry in os.scandir(self._folder):
                if entry.name.endswith(".partial"):
                    continue
                with suppress(OSError):
                    found.append((entry.stat().st_mtime_ns, entry.name))
        return [name for _, name in sorted(found, reverse=True)]

    def read(self, name: str, length: int) -> bytes | None:
        """What was written, if it has this length; None if it was not, or not whole."""
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return None
        data = content[_SUM:]
        return data if len(data) == length and content[:_SUM] == _sum(name, data) else None

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """Keep something under a name of letters, digits and dashes. After a failure nothing more is written."""
        if not self._writes:
            return
        data = b"".join(parts)
        partial = self._folder / f"{name}.{os.getpid()}.partial"
        try:
            # Readable by the owner alone: it is somebody's face. No fsync: what a power cut leaves has another sum.
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                out.write(_sum(name, data) + data)
            partial.replace(self._folder / name)
        except OSError as error:
            self._writes = False
            log.info("patches are no longer kept in %s: %s", self._folder, error)
            with suppress(OSError):
                partial.unlink()

    def drop(self, name: str) -> None:
        """Forget it, if it is there."""
        with suppress(OSError):
            (self._folder / name).unlink()


def _sum(name: str, data: bytes) -> bytes:
    return blake2b(data, digest_size=_SUM, key=name.encode()[:64]).digest()
