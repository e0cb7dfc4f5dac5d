"""All workers of a process: loaded, warmed, run, closed."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from polytalk.broker.memory import MemoryBroker
from polytalk.clock import RealClock
from polytalk.errors import EngineFailed, ModelMissing, PolytalkError
from polytalk.types import AnalyseWork, MouthFrames, Stage
from polytalk.worker.group import Progress, WorkerGroup
from polytalk.worker.loop import BatchWorker, StreamWorker
from polytalk.worker.pool import Pool
from tests.support.engines import Fault, ScriptedAsr


class Mouth:
    """A batch engine that notes what is done to it."""

    name = "mouth"
    max_batch = 2

    def __init__(self) -> None:
        self.deeds: list[str] = []
        self.load_error: Exception | None = None
        self.result: MouthFrames | PolytalkError = MouthFrames(b"")

    def load(self) -> None:
        self.deeds.append("load")
        if self.load_error is not None:
            raise self.load_error

    def close(self) -> None:
        self.deeds.append("close")
        raise OSError("can't close")

    def probe(self) -> AnalyseWork:
        return AnalyseWork(b"probe")

    def units(self, work: AnalyseWork) -> float:
        return 1.0

    def run(self, batch: Sequence[AnalyseWork]) -> Sequence[MouthFrames | PolytalkError]:
        self.deeds.append(f"run {[work.audio for work in batch]}")
        return [self.result] * len(batch)


def group(*engines: tuple[Stage, Any]) -> WorkerGroup:
    return WorkerGroup(engines, MemoryBroker(), Pool(1), RealClock())


async def test_an_engine_is_ready_when_it_has_answered_once() -> None:
    mouth, asr = Mouth(), ScriptedAsr(delay=0)
    workers = group((Stage.ANALYSE, mouth), (Stage.LISTEN, asr))
    seen: list[Progress] = []
    assert workers.ready == {"analyse/mouth": False, "listen/asr": False}
    await workers.prepare(seen.append)
    assert workers.ready == {"analyse/mouth": True, "listen/asr": True}
    assert mouth.deeds == ["load", "run [b'probe']"]
    assert (asr.loaded, asr.works) == (1, [asr.probe()])
    assert [(step.engine, step.step) for step in seen] == [
        (engine, step) for engine in ("analyse/mouth", "listen/asr") for step in ("load", "warm", "ready")
    ]
    workers.close()


async def test_an_engine_that_cannot_load_says_why() -> None:
    mouth = Mouth()
    mouth.load_error = ModelMissing("the model file m is not installed")
    workers = group((Stage.ANALYSE, mouth))
    with pytest.raises(ModelMissing, match="the model file m is not installed"):
        await workers.prepare(lambda _: None)
    assert not any(workers.ready.values())
    workers.close()


async def test_an_engine_that_cannot_answer_is_not_ready() -> None:
    mouth, asr = Mouth(), ScriptedAsr(delay=0)
    mouth.result = EngineFailed("no memory")
    with pytest.raises(EngineFailed, match="mouth can't answer a first request: no memory"):
        await group((Stage.ANALYSE, mouth)).prepare(lambda _: None)
    asr.faults = [Fault(EngineFailed("no server"))]
    with pytest.raises(EngineFailed, match="no server"):
        await group((Stage.LISTEN, asr)).prepare(lambda _: None)


async def test_the_end_closes_every_engine_though_one_fails_to_close(caplog: pytest.LogCaptureFixture) -> None:
    mouth, asr = Mouth(), ScriptedAsr()
    running = asyncio.create_task(group((Stage.ANALYSE, mouth), (Stage.LISTEN, asr)).run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (mouth.deeds, asr.closed) == (["close"], 1)
    assert "closing mouth" in caplog.text


def test_a_share_is_of_the_machine_not_of_a_queue() -> None:
    workers = group((Stage.ANALYSE, Mouth()), (Stage.LISTEN, ScriptedAsr()))
    batch, stream = workers._workers
    assert isinstance(batch, BatchWorker)
    assert isinstance(stream, StreamWorker)
    assert batch.desk.queue.fair is stream.desk.queue.fair
    workers.close()
