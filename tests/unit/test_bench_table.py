"""The one table of figures: what is in it, and when a goal is met."""

from pathlib import Path

import msgspec
import pytest

from bench import table
from bench.machine import Load, Machine
from bench.report import Figure, Line, Result
from bench.scheduler.orders import ByArrival, admit_all, replaced
from polytalk.schedule.admission import Admission, Admitted, Ask
from polytalk.types import Tier
from polytalk.worker import group
from tests.support.jobs import job

MACHINE = Machine("a core", 2, 4.0, "Linux", "3.11", "abc123", "2026-01-01T00:00:00+00:00")
LOAD = Load(0.5, 0.7, 60.0, 0.5, 0.1, 0.0)


def leave(folder: Path, name: str, line: Line, *, peers: bool = False) -> None:
    figure = Figure(name, name, "", [], lines=[line])
    (folder / f"{name}{'.peers' if peers else ''}.json").write_bytes(
        msgspec.json.encode(Result(figure, MACHINE, LOAD, peers))
    )


def test_a_goal_is_met_by_the_median_from_its_own_side(tmp_path: Path) -> None:
    leave(tmp_path, "least", Line(1, "share", 0.9, {"polytalk": [0.8, 0.95, 0.99]}, at_most=False))
    leave(tmp_path, "most", Line(2, "wait", 2.0, {"polytalk": [1.0, 2.5, 3.0]}))
    assert [(entry.line.number, entry.met) for entry in table.read(tmp_path)] == [(1, True), (2, False)]


def test_peers_come_from_the_run_that_had_them_and_the_rest_from_the_other(tmp_path: Path) -> None:
    leave(tmp_path, "share", Line(1, "share", 0.9, {"polytalk": [0.91], "greedy": [0.5]}, at_most=False))
    with_peers = Line(1, "share", 0.9, {"polytalk": [0.7], "ray": [0.4, 0.6]}, at_most=False)
    leave(tmp_path, "share", with_peers, peers=True)
    [entry] = table.read(tmp_path)
    assert entry.median == 0.91
    assert entry.peers == {"ray": [0.4, 0.6]}
    assert table.cells(entry)[5:7] == ["greedy 0.5", "ray 0.5"]


def test_a_figure_that_was_measured_with_peers_only_is_in_the_table_too(tmp_path: Path) -> None:
    leave(tmp_path, "share", Line(1, "share", 0.9, {"polytalk": [0.7], "ray": [0.4]}, at_most=False), peers=True)
    assert [entry.median for entry in table.read(tmp_path)] == [0.7]


def test_the_page_has_a_row_for_each_line_and_says_beside_what_it_was_measured(tmp_path: Path) -> None:
    leave(tmp_path, "sched_x", Line(3, "cost", 2.0, {"polytalk": [1.0, 1.5, 1.25]}, unit="ms", setting="live"))
    page = table.markdown(table.read(tmp_path))
    assert "| 3 | cost | ≤ 2 ms | 1.25 [1–1.5] n=3 | yes |  |  | 10% | live |" in page
    assert "| sched_x | 0.5 → 0.7 | 50% | 10% | 0% | 60 s |" in page
    assert "1 of 1 goals are met" in page


def test_a_figure_from_a_busy_machine_is_in_doubt(tmp_path: Path) -> None:
    figure = Figure("busy", "", "", [], lines=[Line(1, "share", 0.9, {"polytalk": [0.5]}, at_most=False)])
    busy = msgspec.structs.replace(LOAD, others=0.6)
    (tmp_path / "busy.json").write_bytes(msgspec.json.encode(Result(figure, MACHINE, busy)))
    [entry] = table.read(tmp_path)
    assert table.cells(entry)[4] == "NO?"


def test_nothing_measured_says_how_to_measure() -> None:
    assert "make bench" in table.markdown([])


@pytest.mark.parametrize(("value", "shown"), [(0.98765, "0.988"), (1.0, "1"), (423.4, "423"), (12.345, "12.3")])
def test_figures_have_three_digits(value: float, shown: str) -> None:
    assert table.short(value) == shown


def test_by_arrival_looks_at_nothing_else() -> None:
    queue = ByArrival()
    late, early = job(id="late", created=2.0, deadline=3.0, tier=Tier.VIP), job(id="early", created=1.0, deadline=9.0)
    queue.push(late)
    queue.push(early)
    assert queue.head(2.9, 0.1) is early
    assert queue.earliest() == 1.0


def test_replaced_servers_serve_by_arrival_and_admit_everybody_and_only_they() -> None:
    full = Admission({"cores": 1.0})
    asks = [Ask(str(n), Tier.STANDARD, ({"cores": 5.0},)) for n in range(2)]
    with replaced(order=True, admission=True):
        assert vars(group)["ReadyQueue"] is ByArrival
        assert [full.request(ask, 0.0) for ask in asks] == [Admitted(0)] * 2
    assert vars(group)["ReadyQueue"] is not ByArrival
    assert Admission.request is not admit_all
