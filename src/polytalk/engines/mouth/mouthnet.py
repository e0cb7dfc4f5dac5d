"""The net that reads the mouth from sound: mel frames of many pieces of speech to mouth parameters, in one run.

`polytalk train mouth` made it; its card is docs/models/mouth.md. It hears 0.4 s on either side of a frame. Where it
hears lips close, they are shut as `coarticulation` shuts them: a mouth that closes by half looks worse than none.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.analyse.mels import QUIET
from polytalk.engines.models import ModelFile, locate
from polytalk.engines.mouth.coarticulation import RELAX, SEAL_APPROACH, SEAL_RELEASE, SEALED_JAW
from polytalk.engines.mouth.features import SILENT, heard
from polytalk.engines.mouth.visemes import JAW, PRESS
from polytalk.engines.tts.session import open_session
from polytalk.types import MELS, MOUTH_PARAMS, MOUTH_RATE, Features

MODEL = ModelFile(
    package="polytalk",
    path="engines/mouth/mouth.onnx",
    sha256="bbbcd03001754a4de241b5a9b54a8bba5916872c34619c79a8fa2e670f930fdb",
    install="polytalk",
)
REACH = 40
"""Mel frames on either side that a mouth frame depends on."""
PIECE = 100
"""Mouth frames of a row of the batch: longer speech takes several."""
ROWS = 32
"""Rows of one run, 12 MB of activations."""
FAINT = 0.008
"""Share of the loud frames' RMS under which there is no speech (-42 dB)."""
FAINTEST = np.float32(1e-6)
"""Chances nearer to 0 or 1 count as this far from them."""
_BINOMIAL = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16

Mels = NDArray[np.float32]


class MouthNet:
    """One session for all; `move` may be called by several threads."""

    def __init__(self) -> None:
        self._session: Any = None

    def load(self, path: Path | None = None) -> None:
        """Read the weights, the shipped ones if no file is named. Raises ModelMissing, ModelCorrupt."""
        self._session = open_session(path or locate(MODEL))

    def close(self) -> None:
        """Drop them."""
        self._session = None

    def move(self, speech: Sequence[Features]) -> list[NDArray[np.float32]]:
        """Parameters [ceil(T / 2), P] in 0..1 for each, T its feature frames.

        A result does not depend on what else is in the batch.
        """
        ears = [heard(features) for features in speech]
        said = zip(self.say(ears), ears, speech, strict=True)
        return [resting(shaped(*one), ear, features.level) for one, ear, features in said]

    def say(self, ears: Sequence[Mels]) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """What the net itself says to mels [T, MELS] against their level.

        Parameters but the blink [ceil(T / 2), P - 1], and the chance that lips are shut [ceil(T / 2)].
        """
        if self._session is None:
            raise RuntimeError("load() was not called")
        counts = [-(-len(mels) // 2) for mels in ears]
        rows = [row for mels, count in zip(ears, counts, strict=True) for row in _rows(mels, count)]
        said = [self._session.run(None, {"mel": np.stack(rows[i : i + ROWS])}) for i in range(0, len(rows), ROWS)]
        mouths = np.concatenate([mouth for mouth, _ in said] or [np.zeros((0, PIECE, len(MOUTH_PARAMS) - 1))])
        closures = np.concatenate([closed for _, closed in said] or [np.zeros((0, PIECE))])
        results, taken = [], 0
        for count in counts:
            used = slice(taken, taken := taken + -(-count // PIECE))
            results.append((mouths[used].reshape(-1, mouths.shape[2])[:count], closures[used].reshape(-1)[:count]))
        return results


def _rows(mels: Mels, count: int) -> list[Mels]:
    """[2 (PIECE + REACH), MELS] each, overlapping by what a frame needs on both sides; silence around all."""
    pieces = -(-count // PIECE)
    whole = np.full((2 * PIECE * pieces + 2 * REACH, MELS), SILENT, dtype=np.float32)
    whole[REACH : REACH + len(mels)] = mels
    return [whole[2 * PIECE * i : 2 * PIECE * (i + 1) + 2 * REACH] for i in range(pieces)]


def shaped(mouth: NDArray[np.float32], closed: NDArray[np.float32], threshold: float = 0.5) -> NDArray[np.float32]:
    """What the net says with lips that really close and the jaw under them; the eyes are left alone."""
    values = np.zeros((len(mouth), len(MOUTH_PARAMS)), dtype=np.float32)
    values[:, : mouth.shape[1]] = np.clip(_calm(mouth), 0.0, 1.0)
    sealed = seal(_steady(closed) > np.log(threshold / (1 - threshold)))
    values[:, PRESS] = sealed
    values[:, JAW] += sealed * (np.minimum(values[:, JAW], SEALED_JAW) - values[:, JAW])
    return values


def _steady(closed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log odds of chances [F] over three frames: a closure lasts, and most that are heard in one frame are none."""
    odds = np.log(np.clip(closed, FAINTEST, 1 - FAINTEST))
    odds -= np.log1p(-np.clip(closed, FAINTEST, 1 - FAINTEST))
    padded = np.pad(odds, 1, mode="edge") if len(odds) else np.zeros(2, np.float32)
    result: NDArray[np.float32] = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return result


def _calm(mouth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Smoothed over 0.1 s, evenly to both sides so that nothing lags: the net's width of the lips trembles."""
    padded = np.pad(mouth, ((2, 2), (0, 0)), mode="edge") if len(mouth) else mouth
    result: NDArray[np.float32] = sum(
        (share * padded[i : i + len(mouth)] for i, share in enumerate(_BINOMIAL)), start=np.zeros_like(mouth)
    )
    return result


def resting(values: NDArray[np.float32], mels: Mels, level: float) -> NDArray[np.float32]:
    """The same, relaxed within `RELAX` of the nearest sound: what a net says of silence is never quite nothing."""
    share = np.sqrt(0.4 * np.sum(10 ** (2 * mels[::2]), axis=1))  # of the loud frames' RMS; 0.4 undoes the window
    sounds = np.flatnonzero(share > max(QUIET / level, FAINT))
    moments = np.arange(len(values))
    if not len(sounds):
        return np.zeros_like(values)
    nearest = np.searchsorted(sounds, moments)
    after, before = sounds[np.minimum(nearest, len(sounds) - 1)], sounds[np.maximum(nearest - 1, 0)]
    distance = np.minimum(np.abs(after - moments), np.abs(before - moments)) / MOUTH_RATE
    left = np.clip(1 - distance / RELAX, 0.0, 1.0).astype(np.float32)
    eased = left * left * (3 - 2 * left)
    pressed = values[:, PRESS] * (distance <= RELAX)  # a word may begin with lips that are shut
    values *= eased[:, None]
    values[:, PRESS] = pressed
    return values


def seal(shut: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How shut lips are that are shut in some frames: they approach before and let go after."""
    sealed = shut.astype(np.float32)
    for ramp, forward in ((SEAL_APPROACH, True), (SEAL_RELEASE, False)):
        for step in range(1, int(ramp * MOUTH_RATE) + 1):
            level = np.float32(1 - step / MOUTH_RATE / ramp)
            near, far = (sealed[:-step], shut[step:]) if forward else (sealed[step:], shut[:-step])
            np.maximum(near, far * level, out=near)
    return sealed
