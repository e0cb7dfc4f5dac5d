"""Writes src/polytalk/avatar/drawn/mouths.txt: the mouths that stand for those of speech, a line each.

    python -m tools.speech_mouths

Sentences of the training texts are spoken by the voices of the settings, and moved by the mouth's engine. Of the mouths
that this takes, 25 a second, those are kept that are nearest to the middles of `COUNT` groups.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.codebook import MOUTH, SHUT, choose
from polytalk.cli.facebench.said import by_voice
from polytalk.config import Settings, load_settings
from polytalk.train.texts import sentences
from polytalk.types import MOUTH_PARAMS

SENTENCES = 140
"""Of each voice: five minutes."""
COUNT = 512
SEALED = COUNT // 8
"""Of them, with lips that are shut."""
OUT = Path(__file__).parents[1] / "src/polytalk/avatar/drawn/mouths.txt"
PIXELS = {"jaw": 13, "round": 7, "wide": 3, "upper": 2, "lower": 2, "press": 1, "tongue": 1, "teeth": 0.4}
"""How far each moves the mouth of a drawing of 512 x 512 pixels."""


def spoken(settings: Settings) -> Iterator[NDArray[np.uint8]]:
    """[T, parameters] of each sentence."""
    at = [MOUTH_PARAMS.index(name) for name in MOUTH]
    for choice in settings.tts_choices():
        own = settings.model_copy(update={"tts": (choice,)})
        for said in by_voice(own, list(islice(sentences("en", choice.engine), SENTENCES))):
            yield np.frombuffer(said.mouth, np.uint8).reshape(-1, len(MOUTH_PARAMS))[::2, at]


def chosen(mouths: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[`COUNT`, parameters], the mouths that stand for most first."""
    unlike, times = np.unique(mouths, axis=0, return_counts=True)
    places = unlike / 255 * np.array([PIXELS[name] for name in MOUTH])
    shut = unlike[:, MOUTH.index("press")] > 255 * SHUT
    kept = np.concatenate(
        [
            choose(places, np.flatnonzero(shut), SEALED),
            choose(places, np.flatnonzero(~shut), COUNT - SEALED),
        ]
    )
    nearest = np.array([kept[((places[kept] - one) ** 2).sum(-1).argmin()] for one in places])
    served = np.bincount(nearest, weights=times, minlength=len(unlike))
    order = np.unique(kept)
    result: NDArray[np.uint8] = unlike[order[np.argsort(-served[order], kind="stable")]]
    return result


def main() -> None:
    """See above."""
    rows = chosen(np.concatenate(list(spoken(load_settings()))))
    OUT.write_text("".join(f"{row.tobytes().hex()}\n" for row in rows))


if __name__ == "__main__":
    main()
