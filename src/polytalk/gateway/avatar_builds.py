"""Avatars in the making: one photograph at a time, each in a process of its own, a few more in a queue."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec

from polytalk.avatar.library import Library, taken
from polytalk.avatar.making import Order
from polytalk.avatar.making_process import Report, Request, Trouble, trouble
from polytalk.errors import BadInput, PolytalkError, Shed
from polytalk.store.beside import beside

log = logging.getLogger(__name__)

QUEUE = 8
REMEMBERED = 32
"""Failed builds that can still be asked for."""
SECONDS = 300.0
"""For one avatar, before its process is killed."""
TYPICAL_SECONDS = 15
COMMAND = (sys.executable, "-m", "polytalk.avatar.making_process")
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")
"""No keys of anybody: what reads strangers' pictures needs none."""

Status = Literal["queued", "in_progress", "failed"]


class Build:
    """One avatar that is not there yet."""

    def __init__(self, order: Order, photograph: bytes) -> None:
        self.order = order
        self.photograph = photograph
        self.status: Status = "queued"
        self.step = "queued"
        self.progress = 0.0
        """Share done, 0..1."""
        self.error: Trouble | None = None


class Builds:
    """The queue and who works on it."""

    def __init__(self, library: Library, cache: Path) -> None:
        self._library = library
        self._cache = cache
        self._queue: asyncio.Queue[Build] = asyncio.Queue(QUEUE)
        self._known: dict[str, Build] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work for as long as the context lasts."""
        async with beside(self._work()):
            yield

    def check_room(self) -> None:
        """Raises Shed when the queue is full: asked before an upload is read."""
        if self._queue.full():
            wait = QUEUE * TYPICAL_SECONDS
            raise Shed(f"{QUEUE} avatars are waiting to be made already; try again later", retry_after=wait)

    def submit(self, order: Order, photograph: bytes) -> Build:
        """Queue one. Raises Shed, BadInput when its id is taken."""
        self.check_room()
        self.check_free(order.id)
        build = self._known[order.id] = Build(order, photograph)
        self._queue.put_nowait(build)
        return build

    def check_free(self, key: str) -> None:
        """Raises BadInput when there is an avatar of this id, or one is being made."""
        if key in self._library or key in self.ids:
            raise taken(key)

    @property
    def failed(self) -> set[str]:
        """Those that could not be made, and are still told of."""
        return self._known.keys() - self.ids

    @property
    def ids(self) -> set[str]:
        """Those that are taken by avatars in the making."""
        return {key for key, build in self._known.items() if build.status != "failed"}

    def get(self, key: str) -> Build | None:
        """One that is queued, in the making, or has failed."""
        return self._known.get(key)

    def forget(self, key: str) -> bool:
        """Drop one that failed; whether there was one. Raises BadInput for one in the making."""
        build = self._known.get(key)
        if build is None:
            return False
        if build.status != "failed":
            raise BadInput(f"the avatar {key!r} is being made; wait until it is", code="avatar_in_use")
        del self._known[key]
        return True

    async def _work(self) -> None:
        while True:
            build = await self._queue.get()
            build.status = "in_progress"
            try:
                async with asyncio.timeout(SECONDS):
                    failed = await self._make(build)
            except TimeoutError:
                failed = Trouble("engine_failed", f"it took longer than {SECONDS:.0f} s", bad_input=False)
            except PolytalkError as error:
                failed = trouble(error)
            except OSError as error:
                log.exception("the avatar %s could not be stored", build.order.id)
                failed = Trouble("server_error", f"it can't be stored: {error.strerror}", bad_input=False)
            build.photograph = b""
            if failed is None:
                del self._known[build.order.id]
            else:
                self._fail(build, failed)

    def _fail(self, build: Build, why: Trouble) -> None:
        build.status, build.error = "failed", why
        failed = [key for key, known in self._known.items() if known.status == "failed"]
        for key in failed[:-REMEMBERED]:
            del self._known[key]

    async def _make(self, build: Build) -> Trouble | None:
        with self._library.staging() as folder:
            request = Request(build.order, str(folder), str(self._cache))
            failed = await _run(msgspec.json.encode(request) + b"\n" + build.photograph, build)
            if failed is None:
                await asyncio.to_thread(self._library.add, folder)
            return failed


async def _run(request: bytes, build: Build) -> Trouble | None:
    """One process from its request to its end; what went wrong, or None."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(process, request))
            complaint = group.create_task(_last_line(process))
            last = await _follow(process, build)
        await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # with the landmark model, which it started
            await process.wait()
    if last is not None and (last.done or last.error):
        return last.error
    log.error("making the avatar %s ended with %s: %s", build.order.id, process.returncode, complaint.result())
    return Trouble("engine_failed", "making the avatar failed; the server's log says why", bad_input=False)


async def _feed(process: asyncio.subprocess.Process, request: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended early, and its end says why
        process.stdin.write(request)
        await process.stdin.drain()
    process.stdin.close()


async def _follow(process: asyncio.subprocess.Process, build: Build) -> Report | None:
    """Read reports to the end; the last one."""
    assert process.stdout is not None
    last = None
    async for line in process.stdout:
        try:
            last = msgspec.json.decode(line, type=Report)
        except msgspec.DecodeError:
            last = None  # then it is no report that the process ends with, and that is an error
        if last is not None and last.step:
            build.step, build.progress = last.step, last.progress
    return last


async def _last_line(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    last = b""
    while chunk := await process.stderr.read(4096):
        last = (last + chunk)[-2000:]
    return last.decode(errors="replace").strip().rpartition("\n")[2]
