"""The cache's figures compare what they say they compare."""

import pytest

from bench.cache.rivals import Belady, Gdsf, PlainLru, S3Fifo, Sieve, TinyLfu
from bench.cache.trace import Trace, zipf
from bench.figures.cache_zipf import RIVALS, Ours, found

SMALL = Trace("small", [1, 2, 3, 1, 2, 4, 1, 2, 3, 1, 2, 4] * 20, [0, 10, 10, 10, 10])


def test_the_optimum_knows_the_future() -> None:
    """Of four that come round in turn, two fit: it keeps 1 and 2, which come twice as often."""
    assert found(Belady(20, list(SMALL.keys)), SMALL) == pytest.approx(2 / 3, abs=0.01)


@pytest.mark.parametrize("make", [PlainLru, Gdsf, S3Fifo, Sieve, TinyLfu, Ours])
def test_nobody_beats_the_optimum_when_entries_are_of_one_size(make: type[PlainLru]) -> None:
    trace = zipf(1.0, 4_000)
    even = Trace("even", trace.keys, [10] * len(trace.sizes))
    best = found(Belady(1_000, list(even.keys)), even)
    assert 0 < found(make(1_000), even) <= best


def test_ours_beats_them_all_on_a_steady_trace_of_many_requests() -> None:
    trace = zipf(1.0, 40_000)
    ratios = {name: found(make(trace.whole // 20), trace) for name, make in RIVALS.items()}
    assert max(ratios, key=lambda name: ratios[name]) == "ours"


def test_a_trace_is_the_same_every_time() -> None:
    assert zipf(1.0, 100) == zipf(1.0, 100)
