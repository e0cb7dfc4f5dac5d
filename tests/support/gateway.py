"""A whole gateway in virtual time, without a port: its ASGI application, and sockets that are two queues.

Meant for an event loop of `looptime`: seconds of conversation take milliseconds, and the same ones every time.
"""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeAlias, TypeVar
from unittest.mock import patch
from urllib.parse import urlencode

from polytalk.config import EngineChoice, Settings, TenantSettings
from polytalk.dialogue.faces.filming import FilmKit
from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.app import create_app
from polytalk.gateway.status import Status
from tests.support.engines import (
    LevelVad,
    Scripted,
    ScriptedAnalyse,
    ScriptedAsr,
    ScriptedLlm,
    ScriptedMouth,
    ScriptedSynthesise,
    ScriptedTts,
)
from tests.support.sound import LoopClock

T = TypeVar("T")
Message: TypeAlias = dict[str, Any]
KEY = "sk-everybody"
ENCODES = 0.01
"""Seconds that anything takes which is computed in a thread elsewhere."""


async def compute(work: Callable[[], T]) -> T:
    """In place of a thread, which knows no virtual time."""
    await asyncio.sleep(ENCODES)
    return work()


class Gateway:
    """Enter it on the loop that it is to run on. Keys are the settings', so that no database is asked."""

    def __init__(self, reply: str = "Yes, it is.", slots: int = 64, **settings: Any) -> None:
        """`slots`: answers that the language model thinks of at once."""
        self.asr, self.llm, self.tts = ScriptedAsr(), ScriptedLlm(reply, slots=slots), ScriptedTts()
        self.analyse, self.mouth = ScriptedAnalyse(), ScriptedMouth()
        self.synthesise = ScriptedSynthesise(whole=True)
        cast = {
            "vad": LevelVad(),
            "asr": self.asr,
            "llm": self.llm,
            "tts": self.tts,
            "analyse": self.analyse,
            "mouth": self.mouth,
            "synthesise": self.synthesise,
        }
        tenant = TenantSettings.model_validate({"name": "everybody", "token": KEY})
        with (
            patch("polytalk.engines.registry.create", lambda kind, name, options: cast[kind]),
            patch("polytalk.dialogue.runtime.RealClock", LoopClock),
        ):
            self.runtime = Runtime(
                Settings(cores=2, tts=(EngineChoice(engine="scripted"),), tenants=(tenant,), **settings)
            )
        self.runtime.films = FilmKit(compute, lambda seconds, pictures: None)
        self.status = Status()
        self.app = create_app(self.runtime, self.status)
        self.sockets: list[Socket] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def engines(self) -> tuple[Scripted[Any], ...]:
        """All of them."""
        return self.asr, self.llm, self.tts, self.analyse, self.mouth, self.synthesise

    async def __aenter__(self) -> "Gateway":
        running = (self.runtime.workers.run(), self.runtime.dispatcher.run())
        self._tasks = [asyncio.create_task(one) for one in running]
        self.status.ready = True
        await asyncio.sleep(0.001)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def socket(
        self,
        path: str = "/v1/realtime",
        query: Mapping[str, str] | bytes = b"",
        key: str | None = KEY,
        subprotocols: tuple[str, ...] = (),
        note: Callable[[Message], None] = lambda message: None,
    ) -> "Socket":
        """One that asks to be let in; `note` sees what comes, as it comes."""
        asked = query if isinstance(query, bytes) else urlencode(query).encode()
        headers = [(b"host", b"localhost")]
        if key is not None:
            headers.append((b"authorization", b"Bearer " + key.encode()))
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": asked,
            "headers": headers,
            "subprotocols": list(subprotocols),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080),
            "scheme": "ws",
            "http_version": "1.1",
            "root_path": "",
            "extensions": {"websocket.http.response": {}},
        }
        return Socket(self.app, scope, note)

    def left(self) -> dict[str, object]:
        """What of sessions is still there; nothing, when all are over."""
        runtime = self.runtime
        held = {
            "jobs": dict(runtime.dispatcher._open),
            "generations": dict(runtime.dispatcher.broker._generations),  # type: ignore[attr-defined]
            "leases": dict(runtime.gate.admission.leases),
            "queued turns": runtime.gate.admission.queued,
            "engines at work": {engine.name: engine.busy for engine in self.engines if engine.busy},
        }
        return {what: found for what, found in held.items() if found}


class Socket:
    """A client's end, as an ASGI server would carry it."""

    def __init__(self, app: Any, scope: Message, note: Callable[[Message], None]) -> None:
        self.accepted = False
        self.status: int | None = None
        """Of a refusal."""
        self.closed: tuple[int, str] | None = None
        self.left = False
        """Whether the client has gone."""
        self.reads = asyncio.Event()
        """Cleared, the client does not read: what is sent to it waits, as on a full connection."""
        self.reads.set()
        self.failure: BaseException | None = None
        """What came out of the application."""
        self._note = note
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._sent.put_nowait({"type": "websocket.connect"})
        self.serving = asyncio.create_task(self._serve(app, scope))

    @property
    def open(self) -> bool:
        """Whether both ends are there."""
        return self.accepted and not self.left and self.closed is None and not self.serving.done()

    def send(self, frame: str | bytes) -> None:
        """One frame."""
        self._sent.put_nowait({"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame})

    def leave(self, code: int = 1000) -> None:
        """Go."""
        self.left = True
        self.reads.set()
        self._sent.put_nowait({"type": "websocket.disconnect", "code": code})

    async def _serve(self, app: Any, scope: Message) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            self.failure = error

    async def _receive(self) -> Message:
        return await self._sent.get()

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        match message["type"]:
            case "websocket.accept":
                self.accepted = True
            case "websocket.http.response.start":
                self.status = message["status"]
            case "websocket.close":
                self.closed = (message["code"], message.get("reason", ""))
                self._sent.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
            case "websocket.send" if self.left or self.closed:
                raise OSError("the client is gone")
            case "websocket.send":
                self._note(message)
