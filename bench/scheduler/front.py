"""`python -m bench.scheduler.front NAME PORT`: one of the schedulers behind HTTP, to meet the peers on their ground.

POST /run    {"stage", "units", "due", "session"}: done when answered; 503 when refused
POST /begin  {"session"}: a turn wants to begin; 503 when refused. Only `polytalk` has such a gate, `ungated` has not
POST /end    {"session", "speech"}: it is over
"""

import asyncio
import os
import sys
from collections import defaultdict
from typing import Any

import msgspec
import uvicorn
import uvloop
from msgspec import Struct

from bench.scheduler.baselines import BoundedFifo, Greedy
from bench.scheduler.contender import NEVER, Ask, Contender, Machine
from bench.scheduler.load import serving
from bench.scheduler.ours import STAGES, Ours
from polytalk.dialogue.capacity.gate import Gate
from polytalk.errors import Shed
from polytalk.schedule.admission import Admission, Waiting
from polytalk.schedule.demand import TurnDemand
from polytalk.types import Seconds, Stage, Tier

FIFO_LIMIT = int(os.environ.get("FIFO_LIMIT", "1000"))
PATIENCE: Seconds = 0.4
"""A caller that is told to wait longer, or waits so long, hangs up."""


class Body(Struct):
    """Of any request; /run needs the first two."""

    stage: str = "item"
    units: float = 1.0
    due: Seconds = NEVER
    session: str = ""
    speech: Seconds = 0.0


class Front:
    """An ASGI application without a framework: the load is small requests, and the cores are few."""

    def __init__(self, contender: Contender, machine: Machine, *, gated: bool) -> None:
        self.contender = contender
        self.gate: Gate | None = None
        self._spent: defaultdict[str, dict[Stage, Seconds]] = defaultdict(dict)
        if isinstance(contender, Ours) and gated:
            demand = TurnDemand(dict.fromkeys(STAGES.values(), "cores"))
            demand.economy = contender.workers.economy
            self.gate = Gate(Admission({"cores": float(machine.slots)}), demand, contender.clock)
        self._decode = msgspec.json.Decoder(Body)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        content = b""
        more = True
        while more:
            event = await receive()
            content += event.get("body", b"")
            more = event.get("more_body", False)
        body = self._decode.decode(content or b"{}")
        status = 200
        try:
            await self._serve(scope["path"], body)
        except Shed:
            status = 503
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def _serve(self, path: str, body: Body) -> None:
        if path == "/begin" and self.gate is not None:
            await self._begin(self.gate, body.session)
        elif path == "/end" and self.gate is not None:
            self.gate.leave(body.session)
            self.gate.learn(self._spent.pop(body.session, {}), body.speech)
        elif path == "/run":
            await self._run(Ask(body.stage, body.units, body.due, body.session))

    async def _begin(self, gate: Gate, session: str) -> None:
        """A caller who is told to wait longer than it will hangs up at once."""
        too_long = asyncio.Event()

        def told(place: Waiting) -> None:
            if place.wait > PATIENCE:
                too_long.set()

        entering = asyncio.create_task(
            gate.enter(session, session=session, tenant="default", tier=Tier.STANDARD, on_waiting=told)
        )
        leaving = asyncio.create_task(too_long.wait())
        try:
            await asyncio.wait((entering, leaving), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not entering.done():
                raise Shed("the wait is too long", retry_after=PATIENCE)
            entering.result()
        finally:
            entering.cancel()
            leaving.cancel()
            await asyncio.gather(entering, leaving, return_exceptions=True)

    async def _run(self, ask: Ask) -> None:
        if not isinstance(self.contender, Ours):
            await self.contender.ask(ask)
            return
        asked = self.contender.clock.now()
        replies = await self.contender.submit(ask)
        spent, stage = self._spent[ask.session], STAGES[ask.stage]
        spent[stage] = spent.get(stage, 0.0) + replies.computed
        if self.gate is not None and ask.due <= asked:
            self.gate.observe(stage, replies.queued)  # the others may wait: they are made ahead of playback


def make(name: str, machine: Machine) -> Contender:
    """A contender by name."""
    if name == "greedy":
        return Greedy(machine)
    return BoundedFifo(machine, FIFO_LIMIT) if name == "fifo" else Ours(machine)


async def main(name: str, port: int) -> None:
    """Serve until ended."""
    machine = Machine.of_environment()
    contender = make(name, machine)
    config = uvicorn.Config(
        Front(contender, machine, gated=name == "polytalk"), "127.0.0.1", port, lifespan="off", log_level="warning"
    )
    async with serving(contender):
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2])))
