"""The real server on a free port of this machine, in real time, on scripted engines that take hardly any."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from polytalk.config import EngineChoice, Settings
from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.server import serve
from tests.support.engines import (
    LevelVad,
    ScriptedAnalyse,
    ScriptedAsr,
    ScriptedLlm,
    ScriptedMouth,
    ScriptedSynthesise,
    ScriptedTts,
)

SOON = 10.0


@dataclass
class Server:
    """A server that answers."""

    runtime: Runtime
    host: str
    asr: ScriptedAsr
    llm: ScriptedLlm
    tts: ScriptedTts
    synthesise: ScriptedSynthesise

    @property
    def http(self) -> str:
        """Its address for requests."""
        return f"http://{self.host}"

    @property
    def ws(self) -> str:
        """Its address for conversations."""
        return f"ws://{self.host}/v1/realtime"


@asynccontextmanager
async def serving(
    reply: str = "Yes, it is.", ready: bool = True, engines: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Server]:
    """Start, wait until it is ready (or only until it listens), and end it as a signal would. `engines` by their kind
    take the place of scripted ones."""
    asr, llm = ScriptedAsr(delay=0.01), ScriptedLlm(reply, first=0.01, every=0)
    cast: Mapping[str, Any] = {
        "vad": LevelVad(),
        "asr": asr,
        "llm": llm,
        "tts": ScriptedTts(delay=0.001, per_word=0.05),
        "analyse": ScriptedAnalyse(delay=0.001),
        "mouth": ScriptedMouth(delay=0.001),
        "synthesise": ScriptedSynthesise(whole=True),
    } | dict(engines or {})
    if not ready:
        llm.first = 3600.0
    with patch("polytalk.engines.registry.create", lambda kind, name, options: cast[kind]):
        runtime = Runtime(Settings(cores=1, tts=(EngineChoice(engine="scripted"),), **settings))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    prepared = asyncio.Event()
    running = asyncio.create_task(serve(runtime, listener, lambda _: None, prepared.set))
    try:
        if ready:
            await asyncio.wait_for(prepared.wait(), SOON)
        yield Server(runtime, f"127.0.0.1:{port}", asr, llm, cast["tts"], cast["synthesise"])
    finally:
        running.cancel()
        await asyncio.wait((running,), timeout=SOON)
