"""What each phone asks of the mouth: targets, and how strongly it insists on each of them.

A phone is characterised by the few parameters it can't do without (sealed lips for /m/, rounding for /u/); in the
others it yields to its neighbours. That is its dominance in the sense of Löfqvist (1990) and of Cohen & Massaro,
"Modeling coarticulation in synthetic visual speech" (1993). Heights of the jaw and of the lips follow the order that
articulatory phonetics gives vowels (Ladefoged & Johnson, "A Course in Phonetics", ch. 4 and 9).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.types import MOUTH_PARAMS, Phone, Seconds

JAW, WIDE, ROUND, PRESS, UPPER, LOWER, TEETH, TONGUE, BLINK = range(len(MOUTH_PARAMS))
"""Columns of a frame. jaw: open; wide: corners apart; round: corners together and forward; press: lips sealed;
upper: upper lip raised; lower: lower lip tucked under the upper teeth; teeth: upper teeth shown; tongue: tip raised."""

Target = tuple[float, float]
"""A value in 0..1 and its dominance: 0 does not care, 1 insists, more wins against neighbours that insist too."""


def _shape(
    jaw: Target = (0.2, 0.1),
    wide: Target = (0.0, 0.1),
    rounded: Target = (0.0, 0.1),
    press: Target = (0.0, 1.0),
    upper: Target = (0.0, 0.2),
    lower: Target = (0.0, 0.6),
    teeth: Target = (0.2, 0.2),
    tongue: Target = (0.0, 0.2),
) -> NDArray[np.float32]:
    """Two rows, targets and dominances, over `MOUTH_PARAMS`. Eyes have no part in speech."""
    shape = (jaw, wide, rounded, press, upper, lower, teeth, tongue, (0.0, 1.0))
    return np.array(shape, dtype=np.float32).T


def _vowel(
    jaw: float, *, wide: float = 0.0, rounded: float = 0.0, upper: float = 0.15, teeth: float = 0.3, tongue: float = 0.1
) -> NDArray[np.float32]:
    """A vowel insists on opening and on the lips' width; teeth and tongue show as they come."""
    return _shape(
        jaw=(jaw, 1.4),
        wide=(wide, 1.0),
        rounded=(rounded, 1.0 + rounded),  # lips protrude early and let go late; spreading is weaker
        upper=(upper, 0.8),
        lower=(0.0, 1.4),
        teeth=(teeth, 0.6),
        tongue=(tongue, 0.8),
    )


_SEALED = _shape(jaw=(0.06, 0.9), press=(1.0, 1.0), upper=(0.0, 0.8), teeth=(0.0, 0.6))
_LABIODENTAL = _shape(jaw=(0.1, 1.2), upper=(0.15, 0.6), lower=(1.0, 3.0), teeth=(0.55, 1.0))
_DENTAL = _shape(jaw=(0.2, 0.9), teeth=(0.45, 0.8), tongue=(0.75, 1.5))
_ALVEOLAR = _shape(jaw=(0.17, 0.7), teeth=(0.4, 0.4), tongue=(0.9, 1.5))
_SIBILANT = _shape(jaw=(0.07, 1.4), wide=(0.4, 0.35), teeth=(0.85, 1.2), tongue=(0.3, 0.8))
_POSTALVEOLAR = _shape(jaw=(0.12, 1.2), rounded=(0.5, 0.8), upper=(0.3, 0.6), teeth=(0.75, 1.0), tongue=(0.35, 0.6))
_RETROFLEX = _shape(jaw=(0.13, 1.1), rounded=(0.25, 0.4), upper=(0.15, 0.4), teeth=(0.65, 0.8), tongue=(0.6, 0.8))
_ALVEOLOPALATAL = _shape(jaw=(0.1, 1.2), wide=(0.5, 0.6), teeth=(0.8, 1.0), tongue=(0.35, 0.8))
_VELAR = _shape(jaw=(0.25, 0.35))
_GLOTTAL = _shape(jaw=(0.3, 0.08), teeth=(0.2, 0.1), tongue=(0.0, 0.05))
_RHOTIC = _shape(jaw=(0.2, 0.6), rounded=(0.45, 0.6), tongue=(0.3, 0.5))
_LABIAL_GLIDE = _shape(jaw=(0.1, 1.0), rounded=(0.95, 2.2), teeth=(0.0, 0.5))
_PALATAL_GLIDE = _shape(jaw=(0.15, 0.8), wide=(0.6, 0.7), teeth=(0.45, 0.4), tongue=(0.3, 0.6))

_I = _vowel(0.16, wide=0.8, upper=0.25, teeth=0.5, tongue=0.35)
_SMALL_I = _vowel(0.28, wide=0.5, upper=0.2, teeth=0.4, tongue=0.3)
_E = _vowel(0.38, wide=0.6, upper=0.25, teeth=0.4, tongue=0.2)
_OPEN_E = _vowel(0.5, wide=0.5, upper=0.25, teeth=0.35, tongue=0.15)
_ASH = _vowel(0.72, wide=0.6, upper=0.3, teeth=0.35)
_A = _vowel(0.85, wide=0.25, upper=0.2, teeth=0.2, tongue=0.0)
_CUP = _vowel(0.55, wide=0.2, teeth=0.2)
_SCHWA = _shape(jaw=(0.32, 0.6), wide=(0.15, 0.3), rounded=(0.0, 0.3), teeth=(0.25, 0.3))
_NURSE = _vowel(0.32, rounded=0.4, tongue=0.25)
_OPEN_O = _vowel(0.66, rounded=0.5, teeth=0.1, tongue=0.0)
_O = _vowel(0.45, rounded=0.75, teeth=0.05, tongue=0.0)
_SMALL_U = _vowel(0.28, rounded=0.65, teeth=0.1, tongue=0.0)
_U = _vowel(0.17, rounded=0.95, teeth=0.0, tongue=0.0)
_FRONT_U = _vowel(0.14, rounded=0.9, upper=0.2, teeth=0.15, tongue=0.3)
_BACK_E = _vowel(0.42, wide=0.3, teeth=0.25, tongue=0.0)
_APICAL = _vowel(0.12, wide=0.5, teeth=0.7, tongue=0.4)

VISEMES: dict[str, NDArray[np.float32]] = {
    **dict.fromkeys("mbp", _SEALED),
    **dict.fromkeys("fv", _LABIODENTAL),
    **dict.fromkeys("θð", _DENTAL),
    **dict.fromkeys("tdnlɾT", _ALVEOLAR),
    **dict.fromkeys("szʦʣ", _SIBILANT),
    **dict.fromkeys("ʃʒʧʤ", _POSTALVEOLAR),
    **dict.fromkeys("ʂꭧʐ", _RETROFLEX),
    **dict.fromkeys("ɕʨʥ", _ALVEOLOPALATAL),
    **dict.fromkeys("kɡgŋx", _VELAR),
    **dict.fromkeys("hʔ", _GLOTTAL),
    **dict.fromkeys("ɹrɻ", _RHOTIC),
    **dict.fromkeys("wɥ", _LABIAL_GLIDE),
    "j": _PALATAL_GLIDE,
    "i": _I,
    **dict.fromkeys("ɪᵻ", _SMALL_I),
    "e": _E,
    "ɛ": _OPEN_E,
    "æ": _ASH,
    **dict.fromkeys("aɑ", _A),
    **dict.fromkeys("ʌɐ", _CUP),
    **dict.fromkeys("əᵊ", _SCHWA),
    **dict.fromkeys("ɜɚ", _NURSE),
    **dict.fromkeys("ɔɒ", _OPEN_O),
    "o": _O,
    "ʊ": _SMALL_U,
    "u": _U,
    "y": _FRONT_U,
    **dict.fromkeys("ɤɯ", _BACK_E),
    "ɨ": _APICAL,
}
"""misaki's symbols of English and Chinese; a phone of another name moves the mouth as a schwa does."""
DIPHTHONGS = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ"}
"""Glide from one vowel to another; the first takes `ONSET_SHARE` of the time."""
ONSET_SHARE = 0.6


class Gestures(NamedTuple):
    """N gestures in time, of P = len(`MOUTH_PARAMS`) parameters."""

    start: NDArray[np.float64]
    """[N] seconds."""
    end: NDArray[np.float64]
    target: NDArray[np.float32]
    """[N, P] in 0..1."""
    dominance: NDArray[np.float32]
    """[N, P], positive."""


def gestures(phones: Sequence[Phone], total: Seconds) -> Gestures:
    """The gestures of the phones inside [0, total], in order of time; silence and empty phones give none."""
    spans: list[tuple[Seconds, Seconds, NDArray[np.float32]]] = []
    for phone in phones:
        start, end = max(phone.start, 0.0), min(phone.end, total)
        if not phone.symbol or not start < end:  # a NaN compares false too
            continue
        if phone.symbol in DIPHTHONGS:
            onset, glide = (VISEMES[vowel] for vowel in DIPHTHONGS[phone.symbol])
            turn = start + ONSET_SHARE * (end - start)
            spans += [(start, turn, onset), (turn, end, glide)]
        else:
            spans.append((start, end, VISEMES.get(phone.symbol, _SCHWA)))
    spans.sort(key=lambda span: span[0])
    shapes = np.array([shape for _, _, shape in spans], dtype=np.float32).reshape(-1, 2, len(MOUTH_PARAMS))
    return Gestures(
        np.array([start for start, _, _ in spans]), np.array([end for _, end, _ in spans]), shapes[:, 0], shapes[:, 1]
    )
