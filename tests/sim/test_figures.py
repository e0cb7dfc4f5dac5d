"""The figures that need one stage only, with one seed; the others are the benchmarks' business."""

from polytalk.sim.shares import fairness, lending, windows
from polytalk.sim.spread import spread


def test_backlogged_tenants_share_by_weight_to_within_two_batches() -> None:
    rows = {row.policy: row for row in fairness(seeds=(1,))}
    assert rows["ours"].jain.median >= 0.99
    assert rows["ours"].gap.high <= 2.0
    assert rows["greedy"].jain.median < 0.8


def test_idle_entitlement_is_used_and_comes_back_within_a_batch() -> None:
    rows = {row.policy: row for row in lending(seeds=(1, 2))}
    assert rows["ours"].idle_used.low >= 0.95
    assert rows["ours"].reclaim.high <= 1.0 < rows["greedy"].reclaim.low


def test_no_fixed_window_is_much_better_than_ours_in_any_phase() -> None:
    regrets = {row.phase: row.regret.median for row in windows(seeds=(1,)) if row.policy == "ours"}
    assert set(regrets) == {"low", "medium", "high", "burst"}
    assert max(regrets.values()) <= 0.05


def test_a_spread_says_between_what_a_figure_lay() -> None:
    assert str(spread([3.0, 1.0, 2.0])) == "2 (1 to 3)"
