"""A bundle as one file, to be carried elsewhere: a zip of its folder, written whole and read with suspicion."""

import io
import os
import zipfile
import zlib
from pathlib import Path

import msgspec
from msgspec.structs import replace
from PIL import Image

from polytalk.avatar import bundle, contents
from polytalk.avatar import library as shelf
from polytalk.avatar import manifest as manifests
from polytalk.avatar.library import Bundle, Library
from polytalk.avatar.raster import Renderer
from polytalk.errors import BadInput

SUFFIX = ".polytalk"
MAX_BYTES = manifests.MAX_TOTAL_BYTES
"""Of the file."""
PREVIEW_SIDE = 512
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(made: Bundle) -> bytes:
    """The bundle as a zip: the same bytes for the same avatar, whenever and wherever."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, manifests.FILE, msgspec.json.format(msgspec.json.encode(made.manifest), indent=1))
        for name in sorted(made.manifest.files):
            _put(archive, name, made.read(name))
    return out.getvalue()


def export(made: Bundle, target: Path) -> int:
    """Write it; returns its size. Raises BadInput where there is a file already or none can be."""
    data = pack(made)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        os.link(partial, target)  # in one step, and not over a file that is there
    except FileExistsError:
        raise BadInput(f"{target} exists already; give another name, or delete it") from None
    except OSError as error:
        raise BadInput(f"{target} can't be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return len(data)


def take_in(data: bytes, library: Library, new_id: str | None = None) -> Bundle:
    """Add what `pack` made to a library, under another id if one is given.

    Nothing in it is executed, and nothing is written outside a folder of its own. Raises BadInput: what is no bundle,
    is damaged, too large, of an unknown version, or whose id is taken.
    """
    if len(data) > MAX_BYTES:
        raise _invalid(f"the file has {len(data) / 1e6:.0f} MB; {MAX_BYTES // 1_000_000} at most")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, library.staging() as folder:
            manifest = _unpack(archive, folder)
            if new_id is not None:
                manifest = replace(manifest, id=manifests.check_id(new_id))
                (folder / manifests.FILE).write_bytes(msgspec.json.encode(manifest))
            return library.add(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise _invalid(f"the file is no whole {SUFFIX} bundle: {error}") from None


def wrap(drawing: bytes, library: Library, new_id: str | None = None) -> Bundle:
    """Add a drawing (an avatar.json of bundle.py's format) to a library. Raises BadInput."""
    parsed = bundle.parse(drawing)
    picture = io.BytesIO()
    Image.fromarray(Renderer(parsed, (PREVIEW_SIDE, PREVIEW_SIDE)).frame({"smile": 0.4})).save(picture, "PNG")
    manifest = shelf.illustrated(drawing, picture.getvalue())
    if new_id is not None:
        manifest = replace(manifest, id=manifests.check_id(new_id))
    with library.staging() as folder:
        (folder / manifests.ART).write_bytes(drawing)
        (folder / manifests.PREVIEW).write_bytes(picture.getvalue())
        (folder / manifests.FILE).write_bytes(msgspec.json.encode(manifest))
        return library.add(folder)


def _unpack(archive: zipfile.ZipFile, folder: Path) -> manifests.Manifest:
    """Only what the manifest lists is written, and no byte more than it says."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) != len(archive.infolist()):
        raise _invalid("the bundle holds a file twice")
    if manifests.FILE not in entries:
        raise _invalid(f"the bundle has no {manifests.FILE}; was it made by polytalk avatar export?")
    stated = _read(archive, entries.pop(manifests.FILE), manifests.MAX_BYTES)
    manifest = manifests.parse(stated)
    if extra := sorted(entries.keys() - manifest.files.keys()):
        raise _invalid(f"{extra[0][:80]!r} is in the bundle and not in its manifest")
    if absent := sorted(manifest.files.keys() - entries.keys()):
        raise _invalid(f"{absent[0]!r} is in the manifest and not in the bundle")
    if manifest.kind == "illustrated":
        bundle.parse(_read(archive, entries[manifests.ART], bundle.MAX_BYTES))
    (folder / manifests.FILE).write_bytes(stated)
    for name, entry in manifest.files.items():
        data = _read(archive, entries[name], entry.size)
        contents.inspect(name, data)
        path = folder / name  # its pattern lets no name lead out of the folder
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return manifest


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """What a header says of a size is not believed: reading stops at `most`."""
    with archive.open(entry) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise _invalid(f"{entry.filename[:80]!r} unpacks to more than the {most} bytes it may have")
    return data


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    archive.writestr(entry, data)


def _invalid(message: str) -> BadInput:
    return BadInput(message, code="bundle_invalid")
