"""Those who hear and see one call without taking part in it: the call's packets, passed on by a peer each."""

import asyncio
import logging
import time
from typing import Final

import msgspec
from aiortc import InvalidStateError

from polytalk.config import WebRtcSettings
from polytalk.dialogue.ids import new_id
from polytalk.errors import BadInput
from polytalk.gateway.webrtc.cast import Cast
from polytalk.gateway.webrtc.line import MOST_BUFFERED, CallLine, fitting
from polytalk.gateway.webrtc.offer import Codec, Offer
from polytalk.gateway.webrtc.peer import Peer
from polytalk.schedule.admission import Places

log = logging.getLogger(__name__)

TOLD: Final = frozenset(
    (
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "output_audio_buffer.cleared",
    )
)
"""Events that viewers get, too: what the avatar says, and when. What the caller says is the caller's."""


class ViewerLine(CallLine):
    """One viewer's: events go out, and nothing that comes in is read."""

    def tell(self, text: str) -> None:
        """Send an event, unless the viewer reads too slowly: then it misses this one."""
        channel = self._channel
        if channel is None or self.lost.is_set() or channel.bufferedAmount > MOST_BUFFERED:
            return
        try:
            for message in fitting(text):
                channel.send(message)
        except (InvalidStateError, ConnectionError, ValueError):
            self.lose()

    def _take(self, message: str | bytes) -> None:
        """Viewers have no say."""


class Viewers:
    """Those of one call. `close` must be called when it is over."""

    def __init__(self, settings: WebRtcSettings, cast: Cast, codec: Codec | None, everywhere: Places) -> None:
        """`codec` is that of the call's pictures, None without any; `everywhere` counts the viewers of all calls."""
        self._settings = settings
        self._cast = cast
        self._codec = codec
        self._places = (Places(settings.viewers_per_call), everywhere)
        self._lines: dict[str, ViewerLine] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._lines)

    async def add(self, offer: Offer) -> tuple[str, str]:
        """One more: its id, and the SDP that answers. Raises BadInput for what does not fit, Shed without room."""
        fitted = offer.watching(self._codec)
        viewer, line = new_id("view"), ViewerLine(events=offer.events)
        peer = Peer(self._settings, self._cast, line)
        try:
            for places in self._places:
                places.acquire(viewer, time.monotonic())
            answer = await peer.answer(fitted, pictures=bool(fitted.codecs))
            if self._closed:
                raise BadInput("the call is over", code="call_not_found")
        except BaseException:
            self._leave(viewer)
            await peer.close()
            raise
        self._lines[viewer] = line
        task = asyncio.create_task(self._serve(viewer, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return viewer, answer

    def hang_up(self, viewer: str) -> None:
        """End one. Raises BadInput."""
        line = self._lines.get(viewer)
        if line is None:
            raise BadInput("there is no such viewer; it may have left", code="viewer_not_found")
        line.lose()

    def tell(self, text: str) -> None:
        """An event that the caller is sent."""
        if self._lines and msgspec.json.decode(text).get("type") in TOLD:
            for line in self._lines.values():
                line.tell(text)

    async def close(self) -> None:
        """All part. Safe to call twice."""
        self._closed = True
        for line in self._lines.values():
            line.lose()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, viewer: str, peer: Peer) -> None:
        """From the answer to the end, whoever brings it about."""
        line = self._lines[viewer]
        try:
            async with asyncio.timeout(self._settings.setup_seconds):
                await peer.connected()
            await line.lost.wait()
        except TimeoutError:
            log.info("viewer %s did not connect", viewer)
        except Exception:
            log.exception("viewer %s failed", viewer)
        finally:
            self._leave(viewer)
            await peer.close()

    def _leave(self, viewer: str) -> None:
        self._lines.pop(viewer, None)
        for places in self._places:
            places.release(viewer, time.monotonic())
