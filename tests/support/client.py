"""A client of the Realtime protocol in virtual time: a socket in memory, a connection, and a scene behind it."""

import asyncio
import base64
import json
from functools import partial
from types import TracebackType
from typing import Any

from starlette.websockets import WebSocket

from polytalk.config import Limits, Settings
from polytalk.dialogue.ears.endpointing import VadSettings
from polytalk.dialogue.faces.filming import FilmKit
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import Bounds, TurnDetection
from polytalk.gateway.realtime.connection import Connection
from polytalk.gateway.realtime.line import SocketLine
from polytalk.gateway.realtime.media_line import MediaFeeds
from polytalk.gateway.realtime.screen import Screen
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.stage import Events
from polytalk.media.pcm import silence
from polytalk.types import SPEECH_RATE, Seconds
from tests.support.engines import LevelVad
from tests.support.protocol import Wire, check_event
from tests.support.scene import LONGEST, MIC_STEP, Caller, Scene
from tests.support.sound import LEVEL, now, voice


class Client:
    """Every event that it gets is checked to be one that strict clients can read."""

    def __init__(
        self,
        scene: Scene,
        guess: bool = False,
        limits: Limits | None = None,
        films: FilmKit | None = None,
        feeds: MediaFeeds | None = None,
        **changes: Any,
    ) -> None:
        self.limits = limits or Limits()
        self.got: list[Wire] = []
        self.closed: tuple[int, str] | None = None
        self.reads = asyncio.Event()
        """Cleared, the client does not read: what is sent to it waits, as on a full connection."""
        self.reads.set()
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._noted = asyncio.Event()
        settings = scene.settings(**({"mouth": False, "turn_detection": TurnDetection(VadSettings())} | changes))
        config = SessionConfig(
            Settings(limits=self.limits), scene.kit.voices, {"mira": "vera", "theo": "wei"}, settings
        )
        self._socket = WebSocket({"type": "websocket", "headers": []}, self._receive, self._send)
        stage = Events if films is None else partial(Screen, films, feeds, config)
        self.connection = Connection(SocketLine(self._socket), self.limits, config, stage)
        self.session = Session(
            scene.dispatcher,
            scene.kit,
            LevelVad(),
            Caller.personas,
            settings,
            Bounds(speculate=guess, max_items=self.limits.max_history_items),
            self.connection.emit,
        )
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Client":
        self._sent.put_nowait({"type": "websocket.connect"})
        await self._socket.accept()
        self._serving = asyncio.create_task(self.connection.serve(self.session))
        await self.until("session.created")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reads.set()
        self._sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self.served()

    async def served(self) -> None:
        """Wait until the connection is over."""
        assert self._serving is not None
        async with asyncio.timeout(LONGEST):
            await self._serving

    # --- what it sends -------------------------------------------------------------------------------------------

    async def send(self, kind: str, **fields: Any) -> None:
        """One event."""
        await self.frame(json.dumps({"type": kind, **fields}))

    async def frame(self, frame: str | bytes) -> None:
        """One frame, and time for the server to take it."""
        kind = "text" if isinstance(frame, str) else "bytes"
        self._sent.put_nowait({"type": "websocket.receive", kind: frame})
        await asyncio.sleep(0.001)

    def flood(self, kind: str, times: int) -> None:
        """As many events at once, faster than they can be done."""
        for _ in range(times):
            self._sent.put_nowait({"type": "websocket.receive", "text": json.dumps({"type": kind})})

    async def speaks(self, pcm: bytes) -> None:
        """Audio as a microphone sends it."""
        step = round(MIC_STEP * SPEECH_RATE) * 2
        for at in range(0, len(pcm), step):
            await self.send("input_audio_buffer.append", audio=base64.b64encode(pcm[at : at + step]).decode())
            await asyncio.sleep(MIC_STEP - 0.001)

    async def asks(self, seconds: Seconds = 1.0, level: int = LEVEL) -> None:
        """Speak, and be silent until the turn has ended."""
        await self.speaks(voice(seconds, level) + silence(0.7, SPEECH_RATE))

    # --- what it gets --------------------------------------------------------------------------------------------

    def all(self, kind: str) -> list[Wire]:
        """Every event of a type so far."""
        return [wire for wire in self.got if wire["type"] == kind]

    def only(self, kind: str) -> Wire:
        """The one event of a type."""
        (wire,) = self.all(kind)
        return wire

    @property
    def kinds(self) -> list[str]:
        """The types of all events so far, neighbours that are alike as one."""
        kinds = [wire["type"] for wire in self.got]
        return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]

    async def until(self, kind: str, count: int = 1) -> Wire:
        """Wait for the `count`-th event of a type since the beginning."""
        async with asyncio.timeout(LONGEST):
            while len(found := self.all(kind)) < count:
                self._noted.clear()
                await self._noted.wait()
        return found[count - 1]

    async def refused(self, kind: str, **fields: Any) -> Wire:
        """Send an event that causes an error and nothing else; the error."""
        return await self.refused_frame(json.dumps({"type": kind, **fields}))

    async def refused_frame(self, frame: str | bytes) -> Wire:
        """Send a frame that causes an error and nothing else; the error."""
        before = len(self.got)
        await self.frame(frame)
        [wire] = self.got[before:]
        assert wire["type"] == "error"
        error: Wire = wire["error"]
        return error

    async def _receive(self) -> dict[str, Any]:
        return await self._sent.get()

    async def _send(self, message: Any) -> None:
        await self.reads.wait()
        match message["type"]:
            case "websocket.send":
                wire = json.loads(message["text"])
                check_event(wire)
                self.got.append(wire | {"at": now()})
                self._noted.set()
            case "websocket.close":
                self.closed = (message["code"], message["reason"])
