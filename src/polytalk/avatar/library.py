"""The avatars there are: those of the package, and those of the avatars folder, which may change at any time."""

import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from polytalk import __version__
from polytalk.avatar import bundle as art
from polytalk.avatar import manifest as manifests
from polytalk.avatar.bundle import Avatar, Motion
from polytalk.avatar.manifest import ART, FACE, PREVIEW, FileEntry, Manifest
from polytalk.errors import BadInput

log = logging.getLogger(__name__)

STAGING = ".making-"
"""How folders are called in which an avatar is put together or taken apart."""
STALE_SECONDS = 3600.0
"""Nothing takes so long."""
FRESH_SECONDS = 2.0
"""A folder changed so lately may change again within one tick of its file system's clock."""


class _Moving(msgspec.Struct):
    """Of a photograph's face."""

    motion: Motion


class Bundle:
    """One avatar: its manifest, and its files in a folder that nobody changes."""

    def __init__(self, manifest: Manifest, folder: Traversable, shipped: bool = False) -> None:
        self.manifest = manifest
        self.shipped = shipped
        """Whether it comes with the package, and so can't be removed."""
        self._folder = folder

    @property
    def id(self) -> str:
        """What clients call it."""
        return self.manifest.id

    @property
    def name(self) -> dict[str, str]:
        """By language."""
        return self.manifest.name

    @property
    def voice(self) -> str:
        """Its default voice, which the server may not have."""
        return self.manifest.voice

    @property
    def kind(self) -> str:
        """photo or illustrated."""
        return self.manifest.kind

    @cached_property
    def digest(self) -> str:
        """Changes whenever a file does: part of the key of whatever is rendered from it."""
        return self.manifest.digest

    @property
    def folder(self) -> Path:
        """Where the files of an avatar of the avatars folder are."""
        assert isinstance(self._folder, Path), "the package's own may lie in a zip file"
        return self._folder

    @cached_property
    def art(self) -> Avatar:
        """The drawing of an illustrated avatar; raises BadInput for a photographed one."""
        if self.kind != "illustrated":
            raise BadInput(f"the avatar {self.id!r} is a photograph and has no drawing", param="avatar")
        return replace(art.parse(self.read(ART)), id=self.id, name=self.name, voice=self.voice)

    @cached_property
    def motion(self) -> Motion:
        """What it does by itself. Raises BadInput for a bundle that can't be drawn."""
        if self.kind == "illustrated":
            return self.art.motion
        try:
            return msgspec.json.decode(self.read(FACE), type=_Moving).motion
        except msgspec.DecodeError as error:
            raise _broken(f"{FACE} of the avatar {self.id!r} can't be read ({error}); make the avatar again") from None

    def read(self, name: str) -> bytes:
        """A file by its name in the manifest. Raises BadInput for any other name, and when the file is not whole."""
        entry = self.manifest.files.get(name)
        if entry is None:
            raise BadInput(f"the avatar {self.id!r} has no file {name[:80]!r}", code="file_not_found")
        stored = manifests.FILE if self.shipped and name == ART else name
        try:
            data = self._folder.joinpath(stored).read_bytes()
        except OSError as error:
            raise _broken(f"{name} can't be read ({error.strerror})") from None
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise _broken(f"{name} of the avatar {self.id!r} is not what its manifest says")
        return data


class Library(Mapping[str, Bundle]):
    """Avatars by id. Looks at the folder's time with every access, so what another process adds is there at once."""

    def __init__(self, folder: Path) -> None:
        """`folder` need not exist yet."""
        self.folder = folder
        self.broken: dict[str, str] = {}
        """Folders that hold no usable avatar, and why."""
        self._shipped = {made.id: made for made in of_the_package()}
        self._all = dict(self._shipped)
        self._stamps: dict[str, tuple[int, int]] = {}
        self._seen: int | None = None

    def __getitem__(self, key: str) -> Bundle:
        return self._current()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder in which an avatar may be put together; gone afterwards unless `add` took it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.folder.glob(f"{STAGING}*"):  # by a process that was killed: portraits are not left lying about
            with suppress(FileNotFoundError):  # another's, who has just finished
                if time.time() - left.stat().st_mtime > STALE_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=STAGING) as made:
            yield Path(made)

    def add(self, staged: Path) -> Bundle:
        """Take in a folder that `staging` gave, manifest and all, in one step.

        Raises BadInput when its id is taken (code avatar_exists) or when it is not whole.
        """
        manifest = verify(staged)
        if manifest.id in self:
            raise taken(manifest.id)
        target = self.folder / manifest.id
        ready = staged / "ready"
        ready.mkdir(mode=0o700)
        for child in [child for child in staged.iterdir() if child != ready]:
            child.rename(ready / child.name)
        try:
            ready.rename(target)  # fails where a folder with files is already
        except OSError:
            raise taken(manifest.id) from None
        self._seen = None
        return Bundle(manifest, target)

    def remove(self, key: str) -> None:
        """Forget an avatar and delete its files. Raises BadInput for one that is unknown or the package's."""
        if key in self._shipped:
            raise BadInput(f"the avatar {key!r} comes with Polytalk and stays", code="avatar_in_use")
        if key not in self and key not in self.broken:
            raise BadInput(f"there is no avatar {key!r}; there are {', '.join(self)}", code="model_not_found")
        with self.staging() as trash:  # out of sight at once, whatever interrupts the deletion
            (self.folder / key).rename(trash / "removed")
        self._seen = None

    def _current(self) -> dict[str, Bundle]:
        try:
            changed = self.folder.stat().st_mtime_ns
        except OSError:
            changed = 0
        if changed != self._seen:
            self._all = self._shipped | self._read()
            settled = time.time() - changed / 1e9 > FRESH_SECONDS
            self._seen = changed if settled else None
        return self._all

    def _read(self) -> dict[str, Bundle]:
        found: dict[str, Bundle] = {}
        broken: dict[str, str] = {}
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            key = folder.name
            if key.startswith(".") or not folder.is_dir() or key in self._shipped:
                continue
            try:
                stamp = _stamp(folder)
                if key in self._all and self._stamps.get(key) == stamp:
                    found[key] = self._all[key]  # with what it has cached
                    continue
                found[key] = Bundle(_manifest_of(folder), folder)
                self._stamps[key] = stamp
            except BadInput as error:
                broken[key] = error.message
                if self.broken.get(key) != error.message:
                    log.warning("the avatar in %s can't be used: %s", folder, error.message)
        self.broken = broken
        return found


def opened(folder: Path) -> Bundle:
    """The avatar in a folder of the avatars folder. Raises BadInput."""
    return Bundle(_manifest_of(folder), folder)


def taken(key: str) -> BadInput:
    """The error for an id that is in use."""
    return BadInput(
        f"there is an avatar {key!r} already; choose another id, or remove that one first",
        code="avatar_exists",
        param="id",
    )


def verify(folder: Path) -> Manifest:
    """The manifest of a folder whose files are all there, whole, and no others. Raises BadInput."""
    manifest = manifests.parse(_bytes(folder / manifests.FILE))
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    there.pop(manifests.FILE)
    if extra := sorted(there.keys() - manifest.files.keys()):
        raise _broken(f"{extra[0][:80]!r} is in the bundle and not in its manifest")
    for name, entry in manifest.files.items():
        if name not in there:
            raise _broken(f"{name!r} is in the manifest and not in the bundle")
        data = _bytes(there[name])
        if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
            raise _broken(f"{name!r} is not what the manifest says: the bundle was damaged or changed")
    return manifest


def list_files(folder: Path) -> dict[str, FileEntry]:
    """The entries of every file below a folder, for a manifest."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / manifests.FILE)
    return {path.relative_to(folder).as_posix(): entry_of(path.read_bytes()) for path in found}


def entry_of(data: bytes) -> FileEntry:
    """Size and digest of a file."""
    return FileEntry(len(data), hashlib.sha256(data).hexdigest())


def illustrated(data: bytes, preview: bytes | None) -> Manifest:
    """The manifest that wraps a drawing. Raises BadInput when it is none."""
    drawing = art.parse(data)
    files = {ART: entry_of(data)} | ({PREVIEW: entry_of(preview)} if preview else {})
    return Manifest(
        "polytalk-avatar/2",
        "illustrated",
        drawing.id,
        drawing.name,
        drawing.voice,
        drawing.style,
        f"polytalk {__version__}",
        files,
    )


def of_the_package() -> Iterator[Bundle]:
    """The avatars that come with Polytalk. Their avatar.json is the drawing itself; what wraps it is made here."""
    for folder in sorted(resources.files(__package__).joinpath("library").iterdir(), key=lambda folder: folder.name):
        if folder.is_dir():
            preview = folder.joinpath(PREVIEW)
            drawing = folder.joinpath(manifests.FILE).read_bytes()
            manifest = illustrated(drawing, preview.read_bytes() if preview.is_file() else None)
            yield Bundle(manifest, folder, shipped=True)


def _manifest_of(folder: Path) -> Manifest:
    """Quick: sizes and no digests, which are looked at when a file is read."""
    manifest = manifests.parse(_bytes(folder / manifests.FILE))
    if manifest.id != folder.name:
        raise _broken(f"its id is {manifest.id!r} and its folder another; rename the folder")
    for name, entry in manifest.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size != entry.size:
            raise _broken(f"the file {name!r} is missing or not whole; remove the avatar and import it again")
    return manifest


def _stamp(folder: Path) -> tuple[int, int]:
    """Another one whenever the folder was put there anew."""
    try:
        seen = (folder / manifests.FILE).stat()
    except OSError:
        raise _broken(f"{folder.name} has no {manifests.FILE}; delete the folder, or import the avatar again") from None
    return seen.st_mtime_ns, seen.st_ino


def _bytes(path: Path) -> bytes:
    if path.is_symlink():
        raise _broken(f"{path.name!r} is a link; a bundle has files only")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _broken(f"{path.name} can't be read ({error.strerror})") from None


def _broken(message: str) -> BadInput:
    return BadInput(message, code="bundle_invalid")
