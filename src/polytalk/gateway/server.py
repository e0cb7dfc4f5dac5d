"""The gateway as a process: a port, an application on it, and a clean end."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn

from polytalk.config import ServerSettings
from polytalk.dialogue.capacity.gate import Gate
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import ConfigError
from polytalk.gateway.app import create_app
from polytalk.gateway.front import protocols
from polytalk.gateway.status import Status
from polytalk.types import Seconds
from polytalk.worker.group import OnProgress, Progress

FRAME_BYTES = 16 << 20
"""Frames over this close the socket (1009); below it and over the limit of events they get an error."""
CLOSING_SECONDS = 5
"""For sockets to close, when all that counts is over."""
LOOK_EVERY: Seconds = 0.05

log = logging.getLogger(__name__)


def bind(server: ServerSettings) -> socket.socket:
    """Take the port before anything slow is begun. Raises ConfigError when it can't be had."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((server.host, server.port))
        taken.listen(1024)
    except OSError as error:
        taken.close()
        raise ConfigError(
            f"can't listen on {server.host}:{server.port}: {error.strerror}. Choose another port: "
            f"make serve PORT={server.port + 1}, or polytalk serve --port {server.port + 1}"
        ) from None
    return taken


class _Server(uvicorn.Server):
    """uvicorn raises a caught signal again when it is done, so that SIGTERM looks like a crash; we end with 0.

    And it would end at the first signal what the second is for: with the first, turns under way are finished.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()
        """Set by the first signal."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn."""
        if self.told.is_set():
            super().handle_exit(sig, frame)
        self.told.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        caught = (signal.SIGINT, signal.SIGTERM)
        for number in caught:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)


async def serve(
    runtime: Runtime, listener: socket.socket, on_progress: OnProgress, on_ready: Callable[[], None]
) -> None:
    """Answer at once, converse when the engines are ready, end on SIGINT or SIGTERM. Raises SetupError."""
    status = Status()

    def report(progress: Progress) -> None:
        status.report(progress)
        on_progress(progress)

    config = uvicorn.Config(
        create_app(runtime, status),
        loop="none",  # this coroutine runs on the loop already
        **protocols(runtime.settings.server),
        ws_max_size=FRAME_BYTES,
        ws_per_message_deflate=False,  # audio hardly shrinks, and trying costs a third of a turn's own CPU
        ws_ping_interval=5.0,
        ws_ping_timeout=10.0,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the settings say whose are believed
        server_header=False,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    preparing = asyncio.create_task(_run(runtime, status, report, on_ready, serving))
    told = asyncio.create_task(server.told.wait())
    try:
        await asyncio.wait((serving, preparing, told), return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            status.draining = True
            await drain(runtime.gate, runtime.settings.server.drain_seconds, serving)
    finally:
        told.cancel()
        status.draining = True
        server.should_exit = True
        await asyncio.wait((serving,))
        preparing.cancel()
        with suppress(asyncio.CancelledError):
            await preparing


async def _run(
    runtime: Runtime, status: Status, report: OnProgress, on_ready: Callable[[], None], serving: asyncio.Task[None]
) -> None:
    async with runtime.running(report):
        await runtime.rehearse()
        settle()
        status.ready = True
        on_ready()
        await asyncio.wait((serving,))
        status.ready = False


async def drain(gate: Gate, seconds: Seconds, serving: asyncio.Task[None]) -> None:
    """Let nothing new begin, and wait for what is under way: so long at most, and until the server is told again."""
    gate.close()
    if gate.busy:
        log.warning("%d turns and requests are being finished, for %g s at most", gate.busy, seconds)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while gate.busy and not serving.done():
                await asyncio.sleep(LOOK_EVERY)
    if gate.busy:
        log.warning("%d turns and requests are broken off", gate.busy)


def settle() -> None:
    """Engines, modules and lexicons are here to stay: the collector need not go through them again and again, each time
    holding up the event loop for a tenth of a second."""
    gc.collect()
    gc.freeze()
