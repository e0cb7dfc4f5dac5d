"""Ordered clips: each is kept in the store, made beside conversations, and taken up again after a restart."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TypeAlias

from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.narration import Narration
from polytalk.dialogue.clips.parts import Parts
from polytalk.dialogue.clips.production import shoot
from polytalk.dialogue.clips.reel import Shape
from polytalk.dialogue.clips.rehearsal import recorded
from polytalk.dialogue.clips.script import read_script
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, PolytalkError, Shed, StoreLost
from polytalk.gateway.rest.clip_folder import ClipFolder
from polytalk.gateway.rest.video_types import Order, as_request, colour_of, order_of
from polytalk.store.clips import Clip, Clips
from polytalk.types import Seconds, Tier

log = logging.getLogger(__name__)

LOOK_AGAIN: Seconds = 5.0
"""For orders that came by another process, or could not be looked for."""
TELL_EVERY: Seconds = 1.0
SWEEP_EVERY: Seconds = 60.0
HOUR: Seconds = 3600.0
TYPICAL: Seconds = 30.0
"""A clip takes so long, for who asks when to come back."""
ATTEMPTS = 3
"""Of processes that died over an order."""
SPOKEN = 30
"""Per cent of the way when all is said, and nothing is drawn."""


PayerOf: TypeAlias = Callable[[str, str | None], Payer]
"""Of a tenant and a key."""


class ClipJobs:
    """The queue, and those who work on it."""

    def __init__(self, runtime: Runtime, clips: Clips, mark: Mark, payer: PayerOf) -> None:
        self._runtime = runtime
        self._clips = clips
        self._mark = mark
        self._payer = payer
        self._settings = runtime.settings.clips
        self.folder = ClipFolder(runtime.settings.clips_folder())
        self._woken = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, int] = {}
        self._served: dict[str, int] = {}
        """Tenant -> number of its last clip, so that nobody's hundred orders stand before another's one."""
        self._number = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work for as long as the context lasts. What is under way then goes on after the next start."""
        tasks = [asyncio.create_task(self._work()) for _ in range(self._settings.at_once)]
        tasks.append(asyncio.create_task(self._sweep()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def submit(self, order: Order, recording: bytes | None, payer: Payer, key: str | None) -> Clip:
        """Keep an order. Raises Shed when too many wait, OverQuota, StoreLost, SetupError.

        Its speech is charged as it is made, whichever process does.
        """
        payer.meter.check()
        tenant = payer.tenant
        waiting = [clip for clip in await self._clips.unfinished() if clip.status == "queued"]
        own = sum(clip.tenant == tenant for clip in waiting)
        if own >= self._settings.queue or len(waiting) >= 10 * self._settings.queue:
            wait = min(120.0, TYPICAL * len(waiting) / max(1, self._settings.at_once))
            raise Shed(f"{own} of your clips wait already; try again in {wait:.0f} s", retry_after=wait)
        name = new_id("video")
        if recording is not None:
            await asyncio.to_thread(self.folder.recording(name).write_bytes, recording)
        try:
            clip = await self._clips.create(name, tenant, as_request(order), key, self._settings.keep_hours * HOUR)
        except BaseException:
            await asyncio.to_thread(self.folder.forget, name)
            raise
        self._woken.set()
        return clip

    async def remove(self, name: str, tenant: str) -> None:
        """Delete an order, its file, and the work on it. Raises BadInput, StoreLost."""
        await self._clips.delete(name, tenant)
        task = self._under_way.get(name)
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        await asyncio.to_thread(self.folder.forget, name)

    async def _work(self) -> None:
        while not self._runtime.ready:
            await asyncio.sleep(0.2)
        while True:
            self._woken.clear()
            try:
                if await self._one():
                    continue
            except PolytalkError as error:
                log.warning("ordered clips have to wait: %s", error.message)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_AGAIN)

    async def _one(self) -> bool:
        """Work on the next order; whether there was one."""
        if self._runtime.gate.closed or not await asyncio.to_thread(lambda: self.folder.exists):
            return False
        folder = await asyncio.to_thread(lambda: self.folder.id)
        ours = [clip for clip in await self._clips.unfinished() if clip.request.get("folder") == folder]
        ours.sort(key=lambda clip: self._served.get(clip.tenant, 0))  # stable: the oldest first
        for clip in ours:
            if clip.id in self._under_way:
                continue
            with self.folder.hold(clip.id) as begun:
                if not begun or not await self._mine(clip):
                    continue
                if begun > ATTEMPTS:
                    await self._fail(clip, "engine_failed", f"the server broke down over it {ATTEMPTS} times")
                    return True
                self._number += 1
                self._served[clip.tenant] = self._number
                await self._attend(clip)
                return True
        return False

    async def _mine(self, clip: Clip) -> bool:
        """Begin it, or go on where somebody broke off, who is gone; not if it is over or deleted meanwhile."""
        if await self._clips.begin(clip.id):
            return True
        try:
            return (await self._clips.get(clip.id, clip.tenant)).status == "in_progress"
        except BadInput:
            return False

    async def _attend(self, clip: Clip) -> None:
        task = self._under_way[clip.id] = asyncio.create_task(self._make(clip))
        telling = asyncio.create_task(self._tell(clip.id, task))
        try:
            await asyncio.wait((task,))
        finally:
            for each in (task, telling):
                each.cancel()
            await asyncio.gather(task, telling, return_exceptions=True)
            del self._under_way[clip.id]
            self._progress.pop(clip.id, None)

    async def _make(self, clip: Clip) -> None:
        try:
            order = order_of(clip)
            seconds = await self._film(clip, order)
            file = await asyncio.to_thread(self.folder.finish, clip.id, order.format, seconds)
            await asyncio.to_thread(Parts(self.folder.target(clip.id, order.format)).remove)
            if not await _stubbornly(lambda: self._clips.complete(clip.id, file)):
                await asyncio.to_thread(self.folder.forget, clip.id)
        except PolytalkError as error:
            code = error.detail if isinstance(error, BadInput) else error.code
            await self._fail(clip, code, error.message)
        except Exception:
            log.exception("the clip %s can't be made", clip.id)
            await self._fail(clip, "server_error", "making the clip failed; the server's log says why")

    async def _fail(self, clip: Clip, code: str, message: str) -> None:
        await _stubbornly(lambda: self._clips.fail(clip.id, code, message))
        await asyncio.to_thread(self.folder.forget, clip.id)

    async def _tell(self, name: str, task: asyncio.Task[None]) -> None:
        """Write down how far it is; who deleted it, here or elsewhere, ends the work."""
        while True:
            await asyncio.sleep(TELL_EVERY)
            with suppress(StoreLost):
                if not await self._clips.advance(name, self._progress.get(name, 0)) and not task.done():
                    task.cancel()
                    await asyncio.wait((task,))
                    await asyncio.to_thread(self.folder.forget, name)
                    return

    async def _film(self, clip: Clip, order: Order) -> Seconds:
        runtime = self._runtime
        payer = replace(self._payer(clip.tenant, clip.key), tenant=clip.tenant, tier=Tier.BATCH)
        scope = Scope(runtime.dispatcher, clip.id, 0, payer)
        target = self.folder.target(clip.id, order.format)
        shape = Shape(order.width, order.height, order.fps, colour_of(order.background), threads=1)

        def on_frame(done: int, total: int) -> None:
            self._progress[clip.id] = SPOKEN + (100 - SPOKEN) * done // max(total, 1)

        try:
            parts = Parts(target)
            await asyncio.to_thread(parts.open)
            take = await self._take(scope, clip, order, parts)
            mark = self._mark_of(order)
            return await shoot(
                scope, runtime.kit, runtime.compute, order.avatar, take, target, shape, mark, parts, on_frame
            )
        finally:
            await scope.forget()

    async def _take(self, scope: Scope, clip: Clip, order: Order, parts: Parts) -> Take:
        settings = SessionSettings(avatar=order.avatar, voice=order.voice, speed=order.speed)
        if order.recording:
            sound = await asyncio.to_thread(self.folder.recording(clip.id).read_bytes)
            return await recorded(scope, self._runtime.kit, settings, sound)
        narration = Narration(self._runtime, settings, read_script(order.prompt), parts, scope.payer)

        def on_sentence(done: int, total: int) -> None:
            self._progress[clip.id] = SPOKEN * done // max(total, 1)

        await narration.make(on_sentence)
        return await asyncio.to_thread(narration.take)

    def _mark_of(self, order: Order) -> Mark:
        return self._mark if not order.recording else replace(self._mark, voice=False)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                for clip in await self._clips.expire():
                    task = self._under_way.get(clip.id)
                    if task is not None:
                        task.cancel()
                    await asyncio.to_thread(self.folder.forget, clip.id)
                await asyncio.to_thread(self.folder.sweep, (self._settings.keep_hours + 1) * HOUR)
            except (StoreLost, OSError) as error:
                log.warning("old clips stay for now: %s", error)


async def _stubbornly(write: Callable[[], Awaitable[bool]]) -> bool:
    """What a whole film depends on is written even if the store has to come back first."""
    while True:
        try:
            return await write()
        except StoreLost as error:
            log.warning("a clip's end can't be written down yet: %s", error.message)
            await asyncio.sleep(LOOK_AGAIN)
