"""Threads that share a computation: two only where they sleep while they wait for each other."""

import pytest

from polytalk.engines.threads import shared_by


@pytest.mark.parametrize(
    ("policy", "cores", "threads"),
    [("PASSIVE", 4, 2), ("passive", 2, 2), ("PASSIVE", 1, 1), ("ACTIVE", 4, 1), ("", 4, 1)],
)
def test_two_threads_share_a_computation_where_they_may_sleep(
    monkeypatch: pytest.MonkeyPatch, policy: str, cores: int, threads: int
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert shared_by() == threads
