"""Files of ordered clips: what was sent along, what is made meanwhile, and the clip."""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polytalk.errors import SetupError
from polytalk.types import Seconds

_ID = ".folder"


class ClipFolder:
    """One folder, which several processes may share. Blocking; nothing in it is ever named by a client."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._id = ""

    @property
    def id(self) -> str:
        """A name that stays with the folder: orders of another one are none of ours. Raises SetupError."""
        if not self._id:
            try:
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                name = self.path / _ID
                with os.fdopen(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    self._id = file.read().strip()
                    if not self._id:
                        self._id = secrets.token_hex(8)
                        file.write(self._id)
            except OSError as error:
                raise SetupError(f"the clips folder {self.path} can't be used: {error.strerror or error}") from None
        return self._id

    @property
    def exists(self) -> bool:
        """Whether anything was ever ordered here."""
        return (self.path / _ID).exists()

    def recording(self, clip: str) -> Path:
        """What was sent along: PCM16 at `SPEECH_RATE`."""
        return self.path / f"{clip}.pcm"

    def target(self, clip: str, form: str) -> Path:
        """Where it is written."""
        return self.path / f"{clip}.{form}"

    def file(self, name: str) -> Path:
        """A finished clip, by what the store says."""
        return self.path / Path(name).name

    def finish(self, clip: str, form: str, seconds: Seconds) -> str:
        """Give a clip its last name, which tells its length."""
        name = f"{clip}.{round(seconds * 1000)}.{form}"
        self.target(clip, form).replace(self.path / name)
        return name

    def forget(self, clip: str) -> None:
        """Remove all that belongs to an order."""
        for path in (*self.path.glob(f"{clip}.*"), *self.path.glob(f".{clip}.*")):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def sweep(self, older: Seconds) -> None:
        """Remove what nobody has touched for so long: left over from orders that another process forgot."""
        before = time.time() - older
        for path in self.path.glob("*video_*"):
            try:
                if path.stat().st_mtime < before:
                    self.forget(path.name.lstrip(".").partition(".")[0])
            except FileNotFoundError:
                continue

    @contextmanager
    def hold(self, clip: str) -> Iterator[int]:
        """How often the order was begun, this time included, if it is ours to work on; else 0.

        A process that dies lets go of it, and what it began counts; what ends in any other way does not.
        """
        lock = self.path / f"{clip}.lock"
        with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield 0
                return
            begun = len(file.read()) + 1
            file.write("+")
            file.flush()
            try:
                yield begun
            finally:
                lock.unlink(missing_ok=True)


def seconds_in(name: str) -> Seconds:
    """The length that a finished clip's name tells."""
    return int(name.split(".")[1]) / 1000
