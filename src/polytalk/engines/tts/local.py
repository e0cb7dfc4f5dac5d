"""What all voices computed on this machine have in common: which work they accept, and how it fails."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import Voice
from polytalk.engines.tts.edges import pause_after, shape_edges
from polytalk.engines.tts.scripts import count_han, only_scripts, reading_language
from polytalk.engines.tts.speakable import speakable
from polytalk.engines.tts.timing import Symbol, time_phones
from polytalk.errors import BadInput, EngineFailed, PolytalkError, Unspeakable
from polytalk.types import SPEECH_RATE, Phone, Seconds, SpeakWork, Speech

MAX_CHARACTERS = 1_000
"""Longest text of one work: about a minute of speech. The dialogue asks for a sentence at a time."""
SLOWEST, FASTEST = 0.25, 4.0
LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}

log = logging.getLogger(__name__)


class Piece(NamedTuple):
    """What a network makes in one run."""

    audio: NDArray[np.float32]
    """-1..1 at `SPEECH_RATE`."""
    symbols: Sequence[Symbol]
    """What it was made from, in order, with their predicted durations."""


class LocalTts(ABC):
    """A `BatchEngine[SpeakWork, Speech]` whose networks take one text at a time.

    `run` may be called by several threads at once.
    """

    name: str
    revision: str
    """Changes with whatever changes the sound; see `engines/revision.py`."""
    max_batch = 1
    ahead: Seconds = 0.0
    """How much earlier than predicted the network's phones are heard; see `time_phones`."""
    gain: float = 1.0
    """Brings the engine's voices to the loudness that all voices share, about -20 dBFS while they speak."""

    @abstractmethod
    def load(self) -> None:
        """Read the models. Raises ModelMissing, ModelCorrupt."""

    @abstractmethod
    def close(self) -> None:
        """Drop the models."""

    @abstractmethod
    def voices(self) -> Sequence[Voice]:
        """The voices it can speak with."""

    @abstractmethod
    def synthesise(self, text: str, voice: Voice, language: str, speed: float) -> Sequence[Piece]:
        """A speakable text as audio.

        Several pieces when the text is longer than the network takes at once; none when nothing can be said.
        """

    def probe(self) -> SpeakWork:
        """A short greeting in the first voice."""
        voice = self.voices()[0]
        return SpeakWork(text="你好。" if voice.languages[0] == "zh" else "Hello.", voice=voice.id)

    def units(self, work: SpeakWork) -> float:
        """Letters of text; a Chinese character counts as three, for it takes about as long to say."""
        return float(len(work.text) + 2 * count_han(work.text))

    def run(self, batch: Sequence[SpeakWork]) -> Sequence[Speech | PolytalkError]:
        """Say each text. Blocking; the networks run without the GIL.

        Errors in place of results: BadInput for an unknown voice, a text over `MAX_CHARACTERS`, or a speed out of
        range; Unspeakable when the voice can say nothing of the text; EngineFailed when the runtime fails.
        """
        return [self._attempt(work) for work in batch]

    def _attempt(self, work: SpeakWork) -> Speech | PolytalkError:
        try:
            return self._say(work)
        except PolytalkError as error:
            return error
        except Exception as error:
            log.exception("the TTS engine %s failed on %d characters", self.name, len(work.text))
            return EngineFailed(f"the TTS engine {self.name!r} could not say {_shortened(work.text)!r}: {error}")

    def _say(self, work: SpeakWork) -> Speech:
        voice = self._voice(work)
        language, text = self._text(work, voice)
        parts: list[bytes] = []
        phones: list[Phone] = []
        clock: Seconds = 0.0
        for audio, symbols in self.synthesise(text, voice, language, work.speed):
            timed = time_phones(symbols, audio, ahead=self.ahead)
            audio, timed = shape_edges(audio, timed, pause_after(symbols))
            phones += [Phone(p.symbol, round(clock + p.start, 4), round(clock + p.end, 4)) for p in timed]
            clock += len(audio) / SPEECH_RATE
            parts.append(_pcm16(audio * self.gain))
        if not parts:
            raise self._unspeakable(work.text, voice)
        return Speech(audio=b"".join(parts), phones=tuple(phones))

    def _voice(self, work: SpeakWork) -> Voice:
        for voice in self.voices():
            if voice.id == work.voice:
                return voice
        known = ", ".join(voice.id for voice in self.voices())
        raise BadInput(f"the TTS engine {self.name!r} has no voice {work.voice!r}; it has: {known}", param="voice")

    def _text(self, work: SpeakWork, voice: Voice) -> tuple[str, str]:
        """The language to read in and the text as it may be read."""
        if len(work.text) > MAX_CHARACTERS:
            raise BadInput(
                f"the text has {len(work.text)} characters; at most {MAX_CHARACTERS} are said at once. Split it at "
                "its sentences",
                param="input",
            )
        if not SLOWEST <= work.speed <= FASTEST:
            raise BadInput(f"speed is {work.speed}; it must lie in {SLOWEST}..{FASTEST}", param="speed")
        language = reading_language(work.text, work.language.split("-")[0].lower(), voice.languages)
        text = only_scripts(speakable(work.text, language), voice.languages)
        if not text:
            raise self._unspeakable(work.text, voice)
        return language, text

    def _unspeakable(self, text: str, voice: Voice) -> Unspeakable:
        languages = " and ".join(LANGUAGE_NAMES.get(code, code) for code in voice.languages)
        return Unspeakable(
            f"the voice {voice.id!r} ({self.name}) speaks {languages} and can say nothing of {_shortened(text)!r}; "
            "choose a voice of the text's language",
            param="voice",
        )


def _pcm16(audio: NDArray[np.float32]) -> bytes:
    return (np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
