"""A file that appears under its name only when it is whole: written beside its place, synced, renamed."""

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias
from uuid import uuid4

from polytalk.errors import SetupError

Seal: TypeAlias = Callable[[Path], None]
"""Called with a finished file before it gets its name: where a signed manifest (C2PA) is put in."""
Target: TypeAlias = str | os.PathLike[str] | BinaryIO


class WholeFile:
    """The place of one file, and where it is written meanwhile (`part`)."""

    def __init__(self, target: Target, suffix: str, seal: Seal | None = None) -> None:
        """`suffix` with its dot: signers tell the kind of a file by it."""
        self.path = Path(target) if isinstance(target, str | os.PathLike) else None
        self._stream = None if isinstance(target, str | os.PathLike) else target
        self._seal = seal
        folder = self.path.parent if self.path else Path(tempfile.gettempdir())
        self.part = folder / f".{uuid4().hex}.part{suffix}"

    def deliver(self) -> None:
        """Seal it and put it in its place. Raises SetupError when the disk is full."""
        with self.explained():
            if self._seal:
                self._seal(self.part)
            with self.part.open("rb") as part:
                if self.path:
                    os.fsync(part.fileno())  # or a crash could leave the name on an empty file
                    self.part.replace(self.path)
                elif self._stream:
                    shutil.copyfileobj(part, self._stream)

    def drop(self) -> None:
        """Take away what is not delivered; after `deliver`, do nothing."""
        self.part.unlink(missing_ok=True)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the system's errors into one that says which file and what to do."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise SetupError(
                f"can't write {self.path or 'the file'}: {reason}; check the folder, its rights, and free space"
            ) from error


class WholeWriter(ABC):
    """Writes one file; as a context manager it closes the file, or drops it when an exception passes."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file and put it in its place."""

    @abstractmethod
    def abort(self) -> None:
        """Drop what was written; after `close`, do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
