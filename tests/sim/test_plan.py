"""Capacity planning: the search, the page, the command."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polytalk.cli.main import app
from polytalk.errors import BadInput
from polytalk.sim.chart import Axis, Series, line_chart
from polytalk.sim.costs import known
from polytalk.sim.page import assumptions, charts, page
from polytalk.sim.planner import IN_TIME, Plan, Wish, fulfils, plan, with_curves
from polytalk.sim.policy import RING_ONLY
from polytalk.sim.simulate import Service, simulate
from polytalk.sim.workload import conversations

L40S = known()["l40s"]


@pytest.fixture(scope="module")
def found() -> Plan:
    return plan(L40S, Wish(300))


@pytest.fixture(scope="module")
def drawn(found: Plan) -> Plan:
    return with_curves(found, policies=(RING_ONLY,))


def test_the_plan_keeps_its_promise(found: Plan) -> None:
    assert found.report.p95 <= 1.0
    assert found.report.in_time >= IN_TIME


def test_with_one_engine_less_where_it_is_tight_it_would_not(found: Plan) -> None:
    slots = {pool.pool: pool.slots for pool in found.pools}
    slots[found.bottleneck.pool] -= 1
    report = simulate(Service(L40S, slots, RING_ONLY), conversations(300, 120, 1), 1)
    assert not fulfils(found.wish, report)


def test_the_cost_is_engines_times_price(found: Plan) -> None:
    cards = sum(pool.slots for pool in found.pools if pool.unit == "L40S")
    assert found.usd_per_hour == pytest.approx(cards * 0.87)


def test_a_price_can_be_given() -> None:
    dear = plan(L40S, Wish(50, price=10.0))
    assert dear.usd_per_hour == 10.0 * sum(pool.slots for pool in dear.pools if pool.unit == "L40S")


def test_a_million_are_shards(found: Plan) -> None:
    million = replace(found, wish=Wish(300_000_000), shards=1_000_000)
    assert any("1,000,000 shards of 300 speakers" in text for text in assumptions(million))


def test_more_than_a_shard_are_as_many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polytalk.sim.planner.SHARD", 40)
    one, three = plan(L40S, Wish(40)), plan(L40S, Wish(120))
    assert (three.shards, three.shard) == (3, 40)
    assert [pool.slots for pool in three.pools] == [3 * pool.slots for pool in one.pools]


def test_what_no_number_of_engines_can_do_is_refused() -> None:
    with pytest.raises(BadInput, match="however many engines"):
        plan(L40S, Wish(10, p95_ttfa=0.35))


def test_nobody_needs_no_plan() -> None:
    with pytest.raises(BadInput, match="ask for 1 or more"):
        plan(L40S, Wish(0))


def test_the_page_stands_alone(drawn: Plan) -> None:
    text = page(drawn)
    assert text.count("<svg") == 3
    assert "src=" not in text
    assert "href=" not in text
    assert "url(" not in text
    for cost in L40S.stages.values():
        assert cost.basis in text


def test_curves_rise_with_the_crowd(drawn: Plan) -> None:
    points = drawn.points
    assert points[0].ttfa[2] <= 1.0 < points[-1].ttfa[2]


def test_charts_are_pictures(drawn: Plan) -> None:
    for chart in charts(drawn).values():
        assert len(ET.fromstring(chart).findall(".//{*}circle")) >= 6


def test_a_chart_names_its_lines_and_axes() -> None:
    chart = line_chart("T <1>", Axis("users"), Axis("s", log=True, least=0.1), [Series("a & b", [(1, 0), (2, 5)])])
    words = [text.text for text in ET.fromstring(chart).findall(".//{*}text")]
    assert {"T <1>", "users", "s", "a & b", "0.1", "10"} <= set(words)


def test_a_chart_needs_a_point() -> None:
    with pytest.raises(ValueError, match="needs a point"):
        line_chart("", Axis(""), Axis(""), [])


def test_the_command_prints_a_plan_and_writes_its_page(tmp_path: Path) -> None:
    out = tmp_path / "plan.html"
    result = CliRunner().invoke(app, ["plan", "-n", "20", "--gpu", "a10g", "--p95-ttfa", "2", "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert "20 people in conversation on NVIDIA A10G" in result.output
    assert "runs out first" in result.output
    assert out.read_text().startswith("<!doctype html>")
    assert (tmp_path / "plan-policies.svg").exists()


def test_an_unknown_machine_is_answered_with_the_known() -> None:
    result = CliRunner().invoke(app, ["plan", "-n", "20", "--gpu", "tpu"])
    assert isinstance(result.exception, BadInput)
    assert "a10g, l40s, h100" in str(result.exception)
