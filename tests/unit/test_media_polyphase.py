"""Resampling without delay: tones keep their place, what can't be represented goes, cuts leave no seam."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.pcm import from_float, samples, to_float
from polytalk.media.polyphase import QuickResampler
from polytalk.types import LISTEN_RATE, SPEECH_RATE


def tone(hertz: float, rate: int) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.float32)


def quick(pcm: bytes, step: int | None = None) -> bytes:
    ears = QuickResampler(SPEECH_RATE, LISTEN_RATE)
    return b"".join(ears.push(pcm[at : at + (step or len(pcm))]) for at in range(0, len(pcm), step or len(pcm)))


@pytest.mark.parametrize("hertz", [100, 1_000, 4_000, 6_500])
def test_a_tone_comes_out_where_it_went_in(hertz: int) -> None:
    heard = to_float(quick(from_float(tone(hertz, SPEECH_RATE))))[200:]
    wanted = tone(hertz, LISTEN_RATE)[200 : 200 + len(heard)]
    assert np.abs(heard - wanted).max() < 0.005


def test_what_the_lower_rate_can_not_hold_is_gone() -> None:
    heard = to_float(quick(from_float(tone(9_500, SPEECH_RATE))))
    assert np.abs(heard[200:]).max() < 0.002


def test_hardly_anything_is_held_back() -> None:
    ears, given_samples, taken = QuickResampler(SPEECH_RATE, LISTEN_RATE), 0, 0
    for _ in range(50):
        given_samples += 480
        taken += len(ears.push(bytes(960))) // 2
        assert given_samples / SPEECH_RATE - taken / LISTEN_RATE < 0.0015


@given(st.integers(1, 2_000).map(lambda samples: 2 * samples))
def test_cuts_leave_no_seam(step: int) -> None:
    pcm = from_float(np.random.default_rng(0).normal(0, 0.1, 4_800))
    pieces, whole = samples(quick(pcm, step)).astype(int), samples(quick(pcm)).astype(int)
    assert len(pieces) == len(whole)
    assert np.abs(pieces - whole).max() <= 1  # sums may be taken in another order


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadInput):
        QuickResampler(0, LISTEN_RATE)
    with pytest.raises(BadInput):
        QuickResampler(SPEECH_RATE, LISTEN_RATE).push(b"\x00")
