"""Kokoro's voices: style vectors that come in the npm package kokoro-js, unpacked once into a folder of ours."""

import hashlib
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import Voice
from polytalk.engines.models import cache_folder, sha256
from polytalk.errors import ModelCorrupt, ModelMissing

PACKAGE = "kokoro-js@1.2.1"
"""What `npm pack` fetches (Apache-2.0)."""
TARBALL_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
PINS = {
    "zf_xiaobei": "5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640",
    "zf_xiaoni": "08892b62a39af0a615cd0581238db7e19e44c578e8fa0bfd0e586e93327d9cba",
    "zf_xiaoxiao": "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169",
    "zf_xiaoyi": "bc1555c5c486099196ac254bae5e0bb543c121952a3092f50b7d8724f1bc36b3",
    "zm_yunjian": "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa",
    "zm_yunxi": "7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b",
    "zm_yunxia": "6b2b8fc15b3df19a368daebe5c581c7fabf433ee5b8a17ffd6b3d723cff8936d",
    "zm_yunyang": "261e2c89470534dbbcb8fd98b8fdc495ec94063d9bb6c8277f7be43cccba3f42",
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "af_bella": "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b",
    "af_nicole": "cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a",
    "am_fenrir": "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "am_puck": "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0",
}
"""SHA-256 of each voice's file."""
GAINS = {
    "zf_xiaobei": 0.91, "zf_xiaoni": 0.75, "zf_xiaoxiao": 0.58, "zf_xiaoyi": 0.77, "zm_yunjian": 0.97, "zm_yunxi": 1.01,
    "zm_yunxia": 0.92, "zm_yunyang": 1.08, "af_heart": 1.23, "af_bella": 1.15, "af_nicole": 1.09, "am_fenrir": 0.82,
    "am_michael": 1.4, "am_puck": 0.76,
}  # fmt: skip
"""What brings each to -20 dBFS while it speaks, measured on three sentences; less where peaks would be cut."""
ROWS, WIDTH = 510, 256
"""A voice has a style vector for each length of text in symbols."""
_LANGUAGES = {"z": ("zh", "en"), "a": ("en",)}
_GENDERS = {"f": "female", "m": "male"}


def known_voices() -> tuple[Voice, ...]:
    """All voices that can be installed. In Kokoro's names the first letter is the accent, the second the gender."""
    return tuple(
        Voice(name, name[3:].capitalize(), _LANGUAGES[name[0]], _GENDERS[name[1]], phones=True) for name in PINS
    )


def voices_folder() -> Path:
    """Where `install_voices` puts them if not told otherwise."""
    return cache_folder() / "kokoro-voices"


def install_voices(tarball: Path, folder: Path | None = None) -> None:
    """Unpack the voices of `npm pack kokoro-js@1.2.1` into `folder` (default `voices_folder()`).

    Only the files named in `PINS` leave the archive. Raises ModelCorrupt when the archive is another one, ModelMissing
    when there is none.
    """
    if not tarball.is_file():
        raise ModelMissing(f"there is no file {tarball}. Run: npm pack {PACKAGE}")
    if (actual := sha256(tarball)) != TARBALL_SHA256:
        raise ModelCorrupt(
            f"{tarball} is not {PACKAGE} (SHA-256 {actual[:12]}…, expected {TARBALL_SHA256[:12]}…). "
            f"Fetch it again: npm pack {PACKAGE}"
        )
    target = folder or voices_folder()
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tarball) as archive:
        for name in PINS:
            member = archive.extractfile(f"package/voices/{name}.bin")
            if member is None:
                raise ModelCorrupt(f"{tarball} holds no voice {name}")
            partial = target / f".{name}.partial"
            partial.write_bytes(_checked(member.read(), name, str(tarball)))
            partial.replace(target / f"{name}.bin")  # atomic: another process sees all of it or nothing


def voices_installed(folder: Path | None = None) -> bool:
    """Whether every voice's file is in `folder` (default `voices_folder()`); `read_voice` verifies them."""
    return all(((folder or voices_folder()) / f"{name}.bin").is_file() for name in PINS)


def read_voice(folder: Path, name: str) -> NDArray[np.float32]:
    """Styles [`ROWS`, `WIDTH`] of a voice. Raises ModelMissing, ModelCorrupt."""
    path = folder / f"{name}.bin"
    if not path.is_file():
        raise ModelMissing(
            f"the voice {name!r} is not in {folder}. Run: polytalk setup --languages zh "
            f"(it takes the voices from the npm package {PACKAGE})"
        )
    return np.frombuffer(_checked(path.read_bytes(), name, str(path)), dtype="<f4").reshape(ROWS, WIDTH)


def _checked(data: bytes, name: str, where: str) -> bytes:
    if (actual := hashlib.sha256(data).hexdigest()) != PINS[name]:
        raise ModelCorrupt(
            f"the voice {name!r} in {where} is not the one this version was tested with (SHA-256 {actual[:12]}…, "
            f"expected {PINS[name][:12]}…). Remove it and run: polytalk setup --languages zh"
        )
    return data
