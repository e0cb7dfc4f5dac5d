"""The contenders as server processes: ours and the baselines, and the peers from their own environments."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.questions import OUT
from bench.scheduler.contender import Ask, Machine
from bench.scheduler.http import Http
from bench.server import _free_port
from polytalk.errors import PolytalkError, SetupError
from polytalk.types import Seconds

FOLDER = Path(__file__).parent.parent / "peers"
READY: Seconds = 90.0
END: Seconds = 10.0
OURS = ("polytalk", "ungated", "greedy", "fifo")
"""`ungated` is Polytalk without admission: its order and its batches alone."""
PEERS = ("litserve", "bentoml", "ray")
ALL = (*OURS, *PEERS)


@dataclass
class Target:
    """A running server, and how it wants to be asked."""

    name: str
    http: Http

    async def ask(self, ask: Ask) -> None:
        """Raises Shed, EngineFailed."""
        if self.name == "bentoml":
            await self.http.post(f"/{ask.stage}", {"units": [ask.units]})
        elif self.name in OURS:
            await self.http.post(
                "/run", {"stage": ask.stage, "units": ask.units, "due": ask.due, "session": ask.session}
            )
        else:
            await self.http.post("/run", {"stage": ask.stage, "units": ask.units})

    async def begin(self, session: str) -> None:
        """A turn; raises Shed."""
        if self.name == "polytalk":
            await self.http.post("/begin", {"session": session})

    async def end(self, session: str, speech: Seconds) -> None:
        """Of a turn that gave `speech` seconds of audio."""
        if self.name == "polytalk":
            await self.http.post("/end", {"session": session, "speech": speech})


def installed(names: Sequence[str] = ALL) -> list[str]:
    """Those of the contenders that can be started here."""
    return [name for name in names if name in OURS or _python(name).exists()]


@contextmanager
def started(name: str, machine: Machine, settings: Mapping[str, str]) -> Iterator[Target]:
    """One server, from its start until it answers, to its end by its own process group."""
    port = _free_port()
    environment = dict(os.environ) | {
        "MODEL_SLOTS": str(machine.slots),
        "MODEL_MAX_BATCH": str(machine.max_batch),
        "RAY_USAGE_STATS_ENABLED": "0",
        "BENTOML_DO_NOT_TRACK": "true",
        "PYTHONPATH": str(FOLDER) if name not in OURS else os.pathsep.join([str(FOLDER.parent.parent), *sys.path]),
        "HOME": str(OUT),  # what peers leave in a home goes here
        **settings,
    }
    OUT.mkdir(exist_ok=True)
    with (OUT / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            _command(name, port), env=environment, cwd=FOLDER, stdout=log, stderr=log, start_new_session=True
        )
    try:
        asyncio.run(_ready(name, port, process))
        yield Target(name, Http(port))
    finally:
        _end(process)


def _python(name: str) -> Path:
    return FOLDER / f".venv-{name}" / "bin" / "python"


def _command(name: str, port: int) -> list[str]:
    if name in OURS:
        return [sys.executable, "-m", "bench.scheduler.front", name, str(port)]
    if name == "bentoml":
        serve = ["-m", "bentoml", "serve", "bentoml_app:Sleep", "--host", "127.0.0.1", "--port", str(port)]
        return [str(_python(name)), *serve]
    return [str(_python(name)), f"{name}_app.py", str(port)]


async def _ready(name: str, port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + READY
    while time.monotonic() < until and process.poll() is None:
        target = Target(name, Http(port))
        try:
            await target.ask(Ask())
        except (OSError, PolytalkError):
            await asyncio.sleep(0.3)
        else:
            await target.http.close()
            return
    raise SetupError(f"{name} did not get ready; see {OUT / name}.log")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The whole group that it was started as: some peers leave their workers behind."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(END)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
        time.sleep(0.5)
    process.wait()
