"""Costs and crowds: read with care, drawn alike for everybody."""

from pathlib import Path

import msgspec
import pytest

from polytalk.errors import BadInput
from polytalk.sim.costs import SIMULATED, StageCost, known, read_calibration
from polytalk.sim.estimate import best_rate, turn_seconds
from polytalk.sim.script import CONVERSATION, LIVE_ROOM, Script
from polytalk.sim.workload import Mix, conversations, diurnal, flash_crowd, questions, replay
from polytalk.types import Tier


def test_every_cost_says_where_it_comes_from() -> None:
    for name, hardware in known().items():
        assert set(hardware.stages) == set(SIMULATED), name
        for cost in [*hardware.stages.values(), *hardware.faces.values()]:
            assert cost.source, (name, cost)
            assert cost.pool in hardware.pools, (name, cost)
        for pool in hardware.pools.values():
            assert pool.usd_per_hour is None or (pool.source and pool.date), (name, pool)


def test_a_table_corrects_the_line_and_is_interpolated() -> None:
    cost = StageCost(0.01, 0.0, "tokens", "llm", max_batch=8, table={1: 1.0, 4: 2.0, 8: 1.0})
    assert cost.seconds(4, 4) == pytest.approx(0.08)
    assert cost.ratios()[2:7] == pytest.approx([4 / 3, 5 / 3, 2.0, 1.75, 1.5])


def test_a_calibration_is_what_the_bench_writes(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_bytes(msgspec.json.encode(known()["cpu"].stages))
    assert read_calibration(file).stages == known()["cpu"].stages


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no calibration"),
        ('{"listen": {"slope": "fast"}}', "is no calibration"),
        ("{}", "listen, think, speak"),
    ],
)
def test_a_broken_calibration_is_refused_with_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(BadInput, match=words):
        read_calibration(tmp_path / "c.json")


def test_a_missing_calibration_says_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="bench --calibrate"):
        read_calibration(tmp_path / "none.json")


def test_a_face_without_figures_is_refused() -> None:
    with pytest.raises(BadInput, match="phones, wav2lip"):
        known()["l40s"].with_face("sadtalker")


def test_the_script_is_as_documented() -> None:
    mean = Script(CONVERSATION, seed=3).mean()
    assert mean.question == pytest.approx(3.0, abs=0.2)
    assert mean.speech == pytest.approx(8.5, abs=1.0)
    assert Script(LIVE_ROOM, seed=3).mean_cycle() == pytest.approx(62, abs=5)


def test_a_session_says_the_same_whatever_the_policy() -> None:
    one, other = Script(CONVERSATION, 7), Script(CONVERSATION, 7)
    assert [one.shape(5, n) for n in range(20)] == [other.shape(5, n) for n in range(20)]
    assert len({one.shape(5, n) for n in range(20)}) > 15


def test_the_same_seed_brings_the_same_crowd() -> None:
    assert questions(5, 60, 1).visits == questions(5, 60, 1).visits != questions(5, 60, 2).visits


def test_a_rate_is_kept() -> None:
    assert len(questions(20, 500, 1).visits) == pytest.approx(10_000, rel=0.05)


def test_a_day_has_its_night() -> None:
    ats = [visit.at for visit in diurnal(10, 400, 1, period=400).visits]
    night, noon = sum(at < 50 for at in ats), sum(175 <= at < 225 for at in ats)
    assert noon > 5 * night


def test_a_flash_crowd_comes_within_its_minute() -> None:
    crowd = flash_crowd(10_000, 300, 1)
    assert len(crowd.visits) == 10_000
    assert all(60 <= visit.at <= 120 and visit.turns == 1 for visit in crowd.visits)


def test_tenants_and_vips_come_in_their_shares() -> None:
    visits = conversations(4_000, 60, 1, whom=Mix({"a": 3, "b": 1}, vips=0.1)).visits
    assert sum(visit.tenant.startswith("a") for visit in visits) == pytest.approx(3_000, rel=0.05)
    assert sum(visit.tier is Tier.VIP for visit in visits) == pytest.approx(400, rel=0.2)


def test_a_trace_is_replayed_line_by_line(tmp_path: Path) -> None:
    trace = tmp_path / "day.jsonl"
    trace.write_text(
        '{"at": 1, "question": 2, "sentences": [1, 3], "tier": "vip"}\n\n{"at": 4, "question": 1, "sentences": [2]}'
    )
    visits = replay(trace).visits
    assert [(visit.at, visit.tier, visit.shapes[0].sentences) for visit in visits] == [
        (1, Tier.VIP, (1, 3)),
        (4, Tier.STANDARD, (2,)),
    ]


@pytest.mark.parametrize("line", ['{"at": 1}', '{"at": 1, "question": 2, "sentences": []}'])
def test_a_broken_trace_names_the_line(tmp_path: Path, line: str) -> None:
    trace = tmp_path / "day.jsonl"
    trace.write_text('{"at": 1, "question": 2, "sentences": [1]}\n' + line)
    with pytest.raises(BadInput, match="line 2"):
        replay(trace)


def test_the_estimate_finds_the_tightest_pool() -> None:
    hardware, shape = known()["l40s"], Script(CONVERSATION, 1).mean()
    spent = turn_seconds(hardware, shape)
    slots = {"listen": 1, "think": 1, "speak": 2, "cores": 1}
    assert best_rate(hardware, slots, shape) == pytest.approx(2 / spent["speak"])
