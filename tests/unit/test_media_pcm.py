"""PCM16 conversion and streaming resampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.errors import BadInput
from polytalk.media import pcm


def tone(rate: int, seconds: float = 1.0, pitch: float = 440.0) -> bytes:
    return pcm.from_float(0.5 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate))


@given(st.binary(max_size=64).filter(lambda raw: len(raw) % 2 == 0))
def test_floats_and_back_is_the_same(raw: bytes) -> None:
    assert pcm.from_float(pcm.to_float(raw)) == raw


def test_loud_samples_are_clipped_and_do_not_wrap() -> None:
    loud = np.array([1.0, 2.5, -1.0, -3.0, np.inf, -np.inf])
    assert pcm.samples(pcm.from_float(loud)).tolist() == [32767, 32767, -32768, -32768, 32767, -32768]


def test_broken_audio_is_refused() -> None:
    with pytest.raises(BadInput, match="NaN"):
        pcm.from_float(np.array([0.0, np.nan]))
    with pytest.raises(BadInput, match="2 bytes a sample, but 3"):
        pcm.to_float(b"abc")


def test_durations() -> None:
    assert pcm.duration(tone(24_000, 1.5), 24_000) == 1.5
    assert len(pcm.silence(0.02, 16_000)) == 640


@pytest.mark.parametrize(
    ("rate_in", "rate_out"), [(24_000, 16_000), (16_000, 24_000), (48_000, 24_000), (8_000, 24_000)]
)
@pytest.mark.parametrize("size", [2, 640, 100_000])
def test_a_resampled_stream_is_the_whole_resampled(rate_in: int, rate_out: int, size: int) -> None:
    source = tone(rate_in, 0.25)
    resampler = pcm.Resampler(rate_in, rate_out)
    pieces = [resampler.push(source[i : i + size]) for i in range(0, len(source), size)]
    streamed = b"".join(pieces) + resampler.flush()
    assert len(streamed) == round(rate_out * 0.25) * 2
    ideal, got = pcm.to_float(tone(rate_out, 0.25)), pcm.to_float(streamed)
    inner = slice(rate_out // 50, -rate_out // 50)  # the filter rings where the tone sets in
    assert float(np.abs(ideal - got)[inner].max()) < 2e-3


def test_a_resampler_serves_one_stream_after_another() -> None:
    resampler = pcm.Resampler(24_000, 16_000)
    expected = pcm.to_float(pcm.resample(tone(24_000), 24_000, 16_000))
    resampler.push(tone(24_000, 0.3, 1000.0))
    resampler.reset()
    got = pcm.to_float(resampler.push(tone(24_000)) + resampler.flush())
    assert np.abs(got - expected).max() <= 2 / 32768  # soxr dithers: runs differ in the last bit


def test_equal_rates_pass_through_and_bad_rates_do_not() -> None:
    assert pcm.resample(b"\x01\x02", 16_000, 16_000) == b"\x01\x02"
    assert pcm.resample(b"", 16_000, 24_000) == b""
    with pytest.raises(BadInput, match="-1"):
        pcm.Resampler(16_000, -1)
    with pytest.raises(BadInput):
        pcm.Resampler(16_000, 24_000).push(b"\x00")
