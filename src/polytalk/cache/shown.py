"""Which clips show whom: names of entries by the avatar's digest, so that a person's clips can go when the person does.

A file a digest in `shown` of the cache's folder; a line is the name of an entry. A name that is there without its entry
does no harm, an entry without its name would stay: so the name is written first.
"""

import os
from pathlib import Path

from polytalk.cache import files
from polytalk.cache.key import Digest

FOLDER = "shown"


def note(folder: Path, avatar: Digest, entry: Digest) -> None:
    """An entry shows the avatar. Raises OSError."""
    target = _path(folder, avatar)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+") as file:
        if entry not in file.read().split():
            file.write(f"{entry}\n")


def forget(folder: Path, avatar: Digest) -> int:
    """Remove all entries that show the avatar; how many there were. Raises OSError."""
    target = _path(folder, avatar)
    try:
        entries = [line for line in target.read_text().split() if len(line) == len(avatar)]
    except FileNotFoundError:
        return 0
    gone = 0
    for entry in entries:
        gone += files.path_of(folder, entry).is_file()
        files.remove(folder, entry)
    target.unlink(missing_ok=True)
    return gone


def _path(folder: Path, avatar: Digest) -> Path:
    return folder / FOLDER / avatar
