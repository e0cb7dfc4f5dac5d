"""Continuous batching in virtual time."""

import pytest

from polytalk.sim.call import Call
from polytalk.sim.costs import StageCost
from polytalk.sim.decoder import Decoder
from polytalk.sim.events import Loop
from polytalk.sim.policy import FIFO
from polytalk.sim.script import Shape
from polytalk.sim.station import Noise
from polytalk.sim.task import Task, new_task
from polytalk.sim.workload import Visit
from polytalk.types import Seconds, Stage

COST = StageCost(slope=0.01, overhead=0.02, units="tokens", pool="llm", max_batch=4, prefill=100.0)


class Llm:
    """A decoder and what it said."""

    def __init__(self, workers: int = 1, cost: StageCost = COST) -> None:
        self.loop = Loop()
        self.said: list[tuple[str, int, float]] = []
        self.done: list[tuple[str, float]] = []
        self.decoder = Decoder(
            self.loop, cost, workers, FIFO.desk(1), Noise(0.0, 0), self._text, self._done
        )  # fmt: skip
        self.tasks: list[Task] = []

    def ask(self, at: Seconds, ends: tuple[int, ...], prompt: int = 0) -> None:
        call = Call(0, Visit(0.0))
        call.begin(Shape(1.0, prompt, ends, tuple(1.0 for _ in ends), 0.0), at, at)
        self.tasks.append(new_task(len(self.tasks), Stage.THINK, at, at, 1.0, call=call))
        self.loop.at(at, self.decoder.submit, self.tasks[-1])

    @property
    def moments(self) -> list[float]:
        """When sentences were complete, rounded."""
        return [moment for *_, moment in self.said]

    def _text(self, task: Task, sentence: int, last: bool) -> None:
        self.said.append((task.id, sentence, round(self.loop.time, 6)))

    def _done(self, task: Task, took: Seconds) -> None:
        self.done.append((task.id, round(took, 6)))


def test_alone_a_sentence_takes_its_prompt_and_its_tokens() -> None:
    llm = Llm()
    llm.ask(1.0, (5, 20), prompt=50)
    llm.loop.run()
    step = 0.03
    assert llm.said == [("0", 0, 1.0 + 0.5 + 5 * step), ("0", 1, 1.0 + 0.5 + 20 * step)]
    assert llm.done == [("0", 0.5 + 20 * step)]


def test_two_make_longer_steps_and_fewer_of_them() -> None:
    llm = Llm()
    llm.ask(0.0, (10,))
    llm.ask(0.0, (30,))
    llm.loop.run()
    assert llm.moments == pytest.approx([10 * 0.04, 10 * 0.04 + 20 * 0.03])


def test_reading_a_prompt_stops_the_others() -> None:
    llm = Llm()
    llm.ask(0.0, (10,))
    llm.ask(0.03, (10,), prompt=100)
    llm.loop.run()
    assert llm.moments[0] == pytest.approx(0.03 + 1.0 + 9 * 0.04)


def test_who_finds_no_place_waits() -> None:
    llm = Llm()
    for _ in range(5):
        llm.ask(0.0, (10,))
    llm.loop.run()
    assert llm.moments[-1] == pytest.approx(10 * 0.06 + 10 * 0.03)


def test_an_interrupted_one_gives_its_place_back_at_once() -> None:
    llm = Llm()
    for _ in range(5):
        llm.ask(0.0, (10,))
    llm.loop.at(0.06, lambda _: llm.decoder.cancel(llm.tasks[0]), None)
    llm.loop.run()
    assert [name for name, _ in llm.done] == ["1", "2", "3", "4"]
    assert llm.moments[-1] == pytest.approx(0.06 + 9 * 0.06 + 1 * 0.03)
    assert (llm.decoder.created, llm.decoder.finished, llm.decoder.cancelled) == (5, 4, 1)


def test_a_waiting_one_is_dropped_unrun() -> None:
    llm = Llm()
    for _ in range(5):
        llm.ask(0.0, (10,))
    llm.loop.at(0.1, lambda _: llm.decoder.cancel(llm.tasks[4]), None)
    llm.loop.run()
    assert llm.decoder.finished == 4
    assert not llm.decoder.cancel(llm.tasks[0])


def test_engines_share_the_sequences() -> None:
    llm = Llm(workers=2)
    for _ in range(4):
        llm.ask(0.0, (10,))
    llm.loop.run()
    assert llm.moments == pytest.approx([10 * 0.04] * 4)
