"""The telephone's eight bits: held against values of the standard, and against themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.errors import BadInput
from polytalk.media.g711 import Law, decode, encode

LAWS: tuple[Law, ...] = ("mu", "a")
KNOWN = {
    # ITU-T G.711, tables 1a, 2a: the value of a segment's first step, in 16 bits
    "mu": {0xFF: 0, 0x7F: 0, 0x80: 32124, 0x00: -32124, 0xEF: 132, 0xDF: 396, 0x8F: 16764},
    "a": {0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0xC5: 264, 0xF5: 528, 0xA5: 16896},
}


@pytest.mark.parametrize("law", LAWS)
def test_bytes_stand_for_the_samples_of_the_standard(law: Law) -> None:
    for code, sample in KNOWN[law].items():
        assert np.frombuffer(decode(bytes([code]), law), "<i2")[0] == sample


@pytest.mark.parametrize("law", LAWS)
def test_every_byte_comes_back_as_it_was(law: Law) -> None:
    codes = bytes(range(256))
    again = encode(decode(codes, law), law)
    if law == "mu":  # which has a zero of each sign
        codes = codes.replace(b"\x7f", b"\xff")
    assert again == codes


@given(st.integers(-32768, 32767), st.sampled_from(LAWS))
def test_a_sample_changes_by_no_more_than_half_a_step(sample: int, law: Law) -> None:
    pcm = np.array([sample], "<i2").tobytes()
    again = int(np.frombuffer(decode(encode(pcm, law), law), "<i2")[0])
    assert abs(again - sample) <= max(8, abs(sample) / 32 + 4) + (520 if abs(sample) > 32124 else 0)


@given(st.sampled_from(LAWS))
def test_louder_is_louder(law: Law) -> None:
    rising = np.arange(-32768, 32768, 7, dtype="<i2")
    assert (np.diff(np.frombuffer(decode(encode(rising.tobytes(), law), law), "<i2").astype(int)) >= 0).all()


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(BadInput):
        encode(b"\0", "mu")
