"""The arithmetic of `python -m bench fuzz`."""

import pytest

from bench.figures.fuzz import row_of
from bench.soak import Sample, slope, soak
from tests.support.fuzz import Tally


def test_growth_is_of_the_later_half_by_the_thousand() -> None:
    counts = [100.0 * n for n in range(1, 21)]
    assert slope(counts, [5_000.0 + 3 * n for n in counts]) == pytest.approx(3_000)
    warm = [min(n, 1_000.0) * 50 for n in counts]  # what is kept once is there by the half
    assert slope(counts, warm) == pytest.approx(0, abs=1e-6)


def test_what_is_wrong_is_counted_by_its_kind() -> None:
    wrong = ["AssertionError: '{}' was answered by nothing", "TimeoutError: ", "AssertionError: the log: it broke"]
    samples = [Sample(100 * n, 10_000 + 2 * n, 4096 * n) for n in range(1, 21)]
    row = row_of(Tally(events=500, errors=40, sessions=9, examples=3), wrong, 2.0, samples)
    assert row == {
        "events": 500,
        "a second": 250,
        "sessions": 9,
        "errors answered": 40,
        "lost": 1,
        "hangs": 1,
        "violations": 1,
        "soaked sessions": 2_000,
        "bytes / 1,000": 20,
        "RSS KiB / 1,000": 40,
    }


def test_sessions_that_are_over_are_counted() -> None:
    samples = soak(8, 4)
    assert [sample.sessions for sample in samples] == [4, 8]
    assert all(sample.resident > sample.allocated > 0 for sample in samples)
