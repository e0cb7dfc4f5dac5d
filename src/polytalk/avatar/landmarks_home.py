"""The folder in which the landmark model lives, apart from our own packages, and how it gets there."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path

from polytalk.errors import SetupError

PYTHONS = ("3.11", "3.12")
"""Those that mediapipe 0.10.21 has wheels for."""
MEGABYTES = 52
"""What is downloaded; three times as much is kept."""
PROCESS = Path(__file__).with_name("landmarks_process.py")
_LISTING = files("polytalk.avatar").joinpath("landmarks-requirements.txt")


def installed(cache: Path) -> bool:
    """Whether the model of this version is there."""
    return home(cache).is_dir()


def home(cache: Path) -> Path:
    """Its folder below the cache folder; another version of the list has another."""
    digest = hashlib.sha256(_LISTING.read_bytes()).hexdigest()[:12]
    return cache / "landmarks" / f"{digest}-{_python()[1]}"


def command(cache: Path) -> list[str]:
    """What runs `landmarks_process.py`: without site-packages, environment or the user's own folder.

    Raises SetupError when the model is not installed.
    """
    if not installed(cache):
        raise SetupError("the landmark model for photographs is not installed; run: polytalk setup --photos")
    return [_python()[0], "-I", "-S", "-B", str(PROCESS), str(home(cache))]


def install(cache: Path) -> None:
    """Download and unpack it, whole or not at all; takes about half a minute. Raises SetupError."""
    target = home(cache)
    if target.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".installing-") as made:
        unpacked = Path(made) / "packages"
        with as_file(_LISTING) as listing:
            options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
            chosen = ["--python-version", _python()[1], "--target", str(unpacked), "-r", str(listing)]
            ran = subprocess.run([sys.executable, "-m", "pip", "install", *options, *chosen], check=False)
        if ran.returncode:
            raise SetupError(
                "installing the landmark model failed; what pip said is above. It needs a package registry, Linux on "
                "x86-64 and Python 3.11 or 3.12. Avatars made elsewhere work here: polytalk avatar import FILE"
            )
        with suppress(OSError):  # somebody else was faster, and theirs is the same
            unpacked.rename(target)
    if not target.is_dir():
        raise SetupError(f"the landmark model could not be moved to {target}; is the cache folder writable?")


def _python() -> tuple[str, str]:
    """A Python that the model runs on, ours if it does, and its version."""
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    if ours in PYTHONS:
        return os.path.realpath(sys.executable), ours
    for version in reversed(PYTHONS):
        if (found := shutil.which(f"python{version}")) is not None:
            return found, version
    raise SetupError(
        f"the landmark model for photographs needs Python {' or '.join(PYTHONS)}, and this is {ours}. "
        "Make the avatar where there is one, and bring it here: polytalk avatar export, polytalk avatar import"
    )
