"""The voices of Flite (Debian package `flite`): each phone's end comes with the sound.

http://cmuflite.org; the voices are Carnegie Mellon's, free for any use with their notice (the copyright file says).
"""

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import soxr

from polytalk.errors import SetupError
from polytalk.types import SPEECH_RATE, Phone, Speech

_SYMBOLS = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "W", "ax": "ə", "ay": "I", "b": "b", "ch": "ʧ", "d": "d",
    "dh": "ð", "eh": "ɛ", "er": "ɜ", "ey": "A", "f": "f", "g": "ɡ", "hh": "h", "ih": "ɪ", "iy": "i", "jh": "ʤ",
    "k": "k", "l": "l", "m": "m", "n": "n", "ng": "ŋ", "ow": "O", "oy": "Y", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ",
    "t": "t", "th": "θ", "uh": "ʊ", "uw": "u", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ", "pau": "",
    "sil": "", "SIL": "", "ssil": "",
}  # fmt: skip
"""Carnegie Mellon's names of American phones (ARPAbet) in misaki's alphabet; "" is silence."""


def from_arpabet(name: str) -> str:
    """misaki's symbol; stress digits are ignored. Raises KeyError for an unknown name."""
    bare = name.rstrip("0123456789")
    return _SYMBOLS.get(bare) if bare in _SYMBOLS else _SYMBOLS[bare.lower()]  # type: ignore[return-value]


def say(text: str, voice: str, speed: float) -> Speech:
    """Speech with phone times. Raises SetupError when flite is not installed."""
    program = shutil.which("flite")
    if program is None:
        raise SetupError("the program flite is not on this machine. Run: apt-get install flite")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speech.wav"
        options = ["-voice", voice, "--setf", f"duration_stretch={1 / speed:.3f}", "-t", text, "-psdur", "-o", str(out)]
        report = subprocess.run([program, *options], check=True, capture_output=True, text=True).stdout
        with wave.open(str(out)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    phones, start = [], 0.0
    for entry in report.split():
        name, _, end = entry.rpartition(":")
        phones.append(Phone(from_arpabet(name), start, float(end)))
        start = float(end)
    audio = soxr.resample(samples.astype(np.float32), rate, SPEECH_RATE)
    return Speech(np.clip(audio, -32768, 32767).astype("<i2").tobytes(), tuple(phones))
