"""What an engine's results depend on, as a short name: with it, a cache never gives what an older model made."""

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

import msgspec

from polytalk.engines.models import ModelFile


def revision(
    package: str,
    *,
    weights: Iterable[ModelFile | str] = (),
    libraries: Iterable[str] = (),
    options: msgspec.Struct | None = None,
) -> str:
    """Of our code in `package`, model files (by their pins), distributions that compute as well, and options."""
    parts = [
        _code(package),
        [file if isinstance(file, str) else file.sha256 for file in weights],
        [f"{name} {_version(name)}" for name in libraries],
        None if options is None else msgspec.to_builtins(options),
    ]
    return blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


def revision_of(engine: Any) -> str:
    """An engine's own `revision`; "" when it has none, for example because it asks a server. Then nothing is kept."""
    return str(getattr(engine, "revision", "") or "")


@cache
def _code(package: str) -> str:
    """Digest of a package's own modules: what is between the model and the sound changes the sound too."""
    whole = blake2b(digest_size=16)
    for module in sorted(files(package).iterdir(), key=lambda entry: entry.name):
        if module.name.endswith(".py"):
            whole.update(module.name.encode() + b"\0" + module.read_bytes())
    return whole.hexdigest()


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
