"""What the faces say: a voice of the settings with its phone times, and people where their recordings are."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.cli.measure import Driver
from polytalk.config import Settings
from polytalk.engines import models, registry
from polytalk.engines.mouth.mouthnet import MouthNet
from polytalk.errors import PolytalkError
from polytalk.media.pcm import duration
from polytalk.train import humans
from polytalk.train.evaluate import analysed
from polytalk.types import (
    MOUTH_RATE,
    SPEECH_RATE,
    AnalyseWork,
    Features,
    MouthFrames,
    MouthWork,
    Phone,
    Seconds,
    SpeakWork,
    Speech,
)

TEXTS = (
    "My mum bought a big blue umbrella in Bombay, maybe because it might pour.",
    "Perhaps Bob put the apples and the plums in a paper bag before lunch.",
    "Please give me a moment: I am simply happy to be part of it.",
)
"""A seal every fifth of a second, and open vowels between."""
BILABIALS = frozenset("mbp")


class Said(NamedTuple):
    """Speech, and the mouth that the settings' engine makes of it."""

    audio: bytes
    phones: tuple[Phone, ...]
    mouth: bytes

    @property
    def lasts(self) -> Seconds:
        """Of the audio."""
        return duration(self.audio, SPEECH_RATE)

    @property
    def closures(self) -> NDArray[np.float64]:
        """Middles of /m b p/."""
        return np.array([(one.start + one.end) / 2 for one in self.phones if one.symbol in BILABIALS])


def by_voice(settings: Settings, texts: Sequence[str] = TEXTS) -> list[Said]:
    """The texts, spoken by the first voice of the settings. Raises SetupError, EngineFailed."""
    models.use_cache(settings.cache_folder)
    choice, moves, hears = settings.tts_choices()[0], settings.mouth, settings.analyse
    speaker = registry.create("tts", choice.engine, choice.options)
    mouth = registry.create("mouth", moves.engine, moves.options)
    analyse = registry.create("analyse", hears.engine, hears.options)
    driver = Driver()
    try:
        for engine in (speaker, mouth, analyse):
            engine.load()
        works = [SpeakWork(text, speaker.voices()[0].id, "en") for text in texts]
        spoken = [one for work in works for one in driver.together(speaker, [work]) if isinstance(one, Speech)]
        return [_moved(driver, mouth, analyse, one) for one in spoken]
    finally:
        for engine in (speaker, mouth, analyse):
            engine.close()
        driver.close()


def by_people(told: Callable[[str], None]) -> list[Said]:
    """Recordings with phone times, their mouths by ear. Empty, and `told` why, where there are none."""
    try:
        speech = humans.recordings()
    except PolytalkError as error:
        told(f"people were left out: {error.message}")
        return []
    net = MouthNet()
    net.load()
    frames = net.move(analysed(speech))
    return [
        Said(one.audio, one.phones, np.rint(np.clip(mouth, 0, 1) * 255).astype(np.uint8).tobytes())
        for one, mouth in zip(speech, frames, strict=True)
    ]


def _moved(driver: Driver, mouth: Any, analyse: Any, speech: Speech) -> Said:
    work = MouthWork(int(duration(speech.audio, SPEECH_RATE) * MOUTH_RATE), 0, speech.audio, speech.phones)
    if mouth.needs_features or not speech.phones:
        (features,) = driver.together(analyse, [AnalyseWork(speech.audio)])
        assert isinstance(features, Features)
        work = MouthWork(work.count, phones=speech.phones, features=features)
    (moved,) = driver.together(mouth, [work])
    assert isinstance(moved, MouthFrames)
    return Said(speech.audio, speech.phones, moved.frames)
