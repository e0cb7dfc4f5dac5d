"""Recordings of people with phone times: Debian's `pocketsphinx-testdata`, aligned by pocketsphinx.

For the test only. Readings of a novel (LibriVox, public domain) and of playing cards, 16 kHz, five speakers or so.
"""

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from polytalk.errors import ModelMissing
from polytalk.train.flite import from_arpabet
from polytalk.types import LISTEN_RATE, SPEECH_RATE, Phone, Speech

FOLDER = Path("/usr/share/pocketsphinx")
MODEL = FOLDER / "model" / "en-us"
FRAMES = 100
"""Frames a second of the aligner."""


def recordings() -> list[Speech]:
    """What people said, at `SPEECH_RATE`, with phones as force-aligned to the transcript.

    Raises ModelMissing when the packages are absent.
    """
    try:
        from pocketsphinx import Decoder
    except ImportError:
        raise ModelMissing("there is no pocketsphinx to align recordings. Run: pip install pocketsphinx") from None
    if not (FOLDER / "test" / "data" / "librivox").is_dir() or not MODEL.is_dir():
        raise ModelMissing(
            "there are no human recordings. Run: apt-get install pocketsphinx-testdata pocketsphinx-en-us"
        )
    decoder = Decoder(
        hmm=str(MODEL / "en-us"), dict=str(MODEL / "cmudict-en-us.dict"), lm=None, loglevel="FATAL", bestpath=False
    )
    return [_aligned(decoder, audio, text) for audio, text in _transcribed()]


def _transcribed() -> Iterator[tuple[bytes, str]]:
    for folder in ("librivox", "cards"):
        place = FOLDER / "test" / "data" / folder
        listing = next(path for path in (place / "transcription", place / "cards.transcription") if path.exists())
        for line in listing.read_text().splitlines():
            words, _, name = line.rpartition(" ")
            text = words.replace("<s>", "").replace("</s>", "").strip()
            with wave.open(str(place / f"{name.strip('()')}.wav")) as file:
                yield file.readframes(file.getnframes()), text


def _aligned(decoder: Any, audio: bytes, text: str) -> Speech:
    """Two passes, as pocketsphinx asks for: words, then the phones in them."""
    for level in ("words", "phones"):
        decoder.set_align_text(text) if level == "words" else decoder.set_alignment()
        decoder.start_utt()
        decoder.process_raw(audio, full_utt=True)
        decoder.end_utt()
    phones = [
        Phone(from_arpabet(phone.name), phone.start / FRAMES, (phone.start + phone.duration) / FRAMES)
        for word in decoder.get_alignment()
        for phone in word
    ]
    samples = soxr.resample(np.frombuffer(audio, dtype="<i2").astype(np.float32), LISTEN_RATE, SPEECH_RATE)
    return Speech(np.clip(samples, -32768, 32767).astype("<i2").tobytes(), tuple(phones))
