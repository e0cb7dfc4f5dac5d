"""`POST /v1/audio/speech`: a text read aloud, sent as it is made."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.texts.recital import recite
from polytalk.errors import BadInput, PolytalkError
from polytalk.gateway.bodies import read_json
from polytalk.gateway.names import Names
from polytalk.gateway.problems import error_body
from polytalk.gateway.rest.answers import event, streamed
from polytalk.gateway.rest.errands import Errands
from polytalk.media.pcm import duration
from polytalk.media.streamed import MEDIA_TYPES, Form, SoundStream
from polytalk.types import SPEECH_RATE

TOKENS_A_SECOND = 20
"""Of sound, as the published API counts them: one in 50 ms."""


class VoiceName(Struct, frozen=True):
    """A voice by its id."""

    id: str


class SpeechRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/audio/speech`."""

    model: str
    input: Annotated[str, Meta(min_length=1)]
    voice: str | VoiceName | None = None
    """Left out, it is that of the avatar that `model` names, or the first there is."""
    response_format: Form = "mp3"
    speed: Annotated[float, Meta(ge=0.25, le=4.0)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    instructions: str | None = None
    """Taken, and without effect: no voice here can be told how to speak."""


class SpeechUsage(Struct, frozen=True):
    """Characters in, twentieths of a second out."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class SpeechDelta(Struct, frozen=True, tag_field="type", tag="speech.audio.delta"):
    """A piece of the file, base64."""

    audio: str


class SpeechDone(Struct, frozen=True, tag_field="type", tag="speech.audio.done"):
    """All of it was sent."""

    usage: SpeechUsage


class Speaking:
    """The route."""

    def __init__(self, runtime: Runtime, names: Names, errands: Errands) -> None:
        self._runtime = runtime
        self._names = names
        self._errands = errands

    async def create(self, request: Request, payer: Payer) -> Response:
        """The file as it grows, or its pieces as events."""
        limits = self._runtime.settings.limits
        asked = await read_json(request, SpeechRequest, limits.max_body_bytes)
        if len(asked.input) > limits.max_text_chars:
            raise BadInput(f"a text may have {limits.max_text_chars} characters, not {len(asked.input)}", param="input")
        voice = self._voice(asked)
        if asked.stream_format == "sse":
            return await streamed(request, self._events(asked, voice, payer), "text/event-stream")
        pieces = self._coded(asked, self._speech(asked, voice, payer))
        return await streamed(request, pieces, MEDIA_TYPES[asked.response_format])

    def _voice(self, asked: SpeechRequest) -> str:
        avatar = self._names.check(asked.model, "speech")
        if asked.voice is not None:
            given = asked.voice if isinstance(asked.voice, str) else asked.voice.id
            return self._runtime.voices.get(given).voice.id
        if avatar is not None:
            return self._runtime.default_voice(avatar)
        return self._runtime.voices.first().voice.id

    async def _speech(self, asked: SpeechRequest, voice: str, payer: Payer) -> AsyncGenerator[bytes, None]:
        async with self._errands.admitted(payer) as scope:
            spoken = recite(scope, self._runtime.kit, voice, asked.input, asked.speed)
            async with aclosing(spoken) as pieces:
                async for pcm in pieces:
                    yield pcm

    async def _coded(self, asked: SpeechRequest, speech: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Coded on a thread; no piece is empty."""
        coder = SoundStream(asked.response_format, self._runtime.tags("sound"))
        async with aclosing(speech) as pieces:
            async for pcm in pieces:
                if coded := await asyncio.to_thread(coder.push, pcm):
                    yield coded
        if rest := await asyncio.to_thread(coder.finish):
            yield rest

    async def _events(self, asked: SpeechRequest, voice: str, payer: Payer) -> AsyncGenerator[bytes, None]:
        seconds = 0.0

        async def measured() -> AsyncGenerator[bytes, None]:
            nonlocal seconds
            async with aclosing(self._speech(asked, voice, payer)) as pieces:
                async for pcm in pieces:
                    seconds += duration(pcm, SPEECH_RATE)
                    yield pcm

        begun = False
        try:
            async with aclosing(self._coded(asked, measured())) as pieces:
                async for piece in pieces:
                    yield event(SpeechDelta(base64.b64encode(piece).decode()))
                    begun = True
        except PolytalkError as error:
            if not begun:
                raise
            yield event(error_body(error))
            return
        tokens = len(asked.input), round(seconds * TOKENS_A_SECOND)
        yield event(SpeechDone(SpeechUsage(*tokens, sum(tokens))))
