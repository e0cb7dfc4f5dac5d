"""One rendering, one file: written whole or not at all, and never read when it is not what was written.

magic  8 bytes      "ptcache1"
digest 32 bytes     BLAKE2b of all that follows
key    32 bytes     the entry's own name, so that a file moved to another name is refused
data
"""

import contextlib
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from polytalk.cache.key import Digest

MAGIC = b"ptcache1"
HEADER = len(MAGIC) + 64
PARTIAL = ".partial"
_NAME = 64


class Damaged(Exception):
    """The file is not what was written."""


class Found(NamedTuple):
    """A file of the folder."""

    key: Digest
    size: int
    """With its header."""
    asked: float
    """When it was last asked for or written, seconds of the wall clock."""


def path_of(folder: Path, key: Digest) -> Path:
    """Two hundred and fifty-six folders, so that none grows large."""
    return folder / key[:2] / key


def write(folder: Path, key: Digest, data: bytes) -> int:
    """Keep an entry; its size on disk. Raises OSError, and then leaves nothing behind."""
    target = path_of(folder, key)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    rest = bytes.fromhex(key) + data
    partial = target.with_name(f"{key}.{os.getpid()}{PARTIAL}")
    try:
        # Readable by the owner alone: what was said in a conversation is nobody else's business.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(MAGIC + _checksum(rest))
            out.write(rest)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    return HEADER + len(data)


def read(folder: Path, key: Digest) -> bytes:
    """An entry's data; it counts as asked for now. Raises FileNotFoundError, OSError, Damaged."""
    path = path_of(folder, key)
    content = path.read_bytes()
    rest = content[HEADER - 32 :]
    whole = content[: len(MAGIC)] == MAGIC and content[len(MAGIC) : HEADER - 32] == _checksum(rest)
    if not whole or rest[:32].hex() != key:
        raise Damaged(str(path))
    with contextlib.suppress(OSError):
        os.utime(path)
    return rest[32:]


def remove(folder: Path, key: Digest) -> None:
    """Forget an entry, if it is there. Raises OSError."""
    path_of(folder, key).unlink(missing_ok=True)


def scan(folder: Path) -> Iterator[Found]:
    """All entries. Sweeps away what a crash left half written. Raises OSError."""
    if not folder.is_dir():
        return
    for shelf in os.scandir(folder):
        if len(shelf.name) != 2 or not shelf.is_dir(follow_symlinks=False):
            continue
        for file in os.scandir(shelf.path):
            if file.name.endswith(PARTIAL):
                if not _being_written(file.name):
                    Path(file.path).unlink(missing_ok=True)
            elif len(file.name) == _NAME and file.is_file(follow_symlinks=False):
                status = file.stat()
                yield Found(file.name, status.st_size, status.st_mtime)


def _being_written(name: str) -> bool:
    """Whether the process that began the file is alive; another than ourselves, for we have just begun."""
    pid = name.removesuffix(PARTIAL).rpartition(".")[2]
    return pid.isdigit() and int(pid) != os.getpid() and Path(f"/proc/{pid}").exists()


def _checksum(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()
