"""`POST /v1/chat/completions`: the language model, or an avatar in character, by the words of the OpenAI API."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Personas
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.texts.completing import Asked, Completion
from polytalk.engines.base import CHAT_EXTRAS
from polytalk.errors import BadInput, PolytalkError
from polytalk.gateway.bodies import read_json
from polytalk.gateway.names import Names
from polytalk.gateway.problems import error_body
from polytalk.gateway.rest import chat_types as ct
from polytalk.gateway.rest.answers import Json, event, streamed, while_there
from polytalk.gateway.rest.errands import Errands
from polytalk.types import Message, TextDelta, ToolCall, ToolDelta

DONE = b"data: [DONE]\n\n"
TOOLS = ("function", "custom")
_NOTHING: dict[str, tuple[object, ...]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"},),
    "presence_penalty": (0.0,),
    "frequency_penalty": (0.0,),
    "logit_bias": ({},),
}
"""Values of `CHAT_EXTRAS` that ask for nothing: an engine that can't have the field need not know of them."""


class Chat:
    """The route."""

    def __init__(self, runtime: Runtime, names: Names, errands: Errands) -> None:
        self._runtime = runtime
        self._names = names
        self._errands = errands

    async def create(self, request: Request, payer: Payer) -> Response:
        """An answer, whole or as it is made."""
        limits = self._runtime.settings.limits
        asked = await read_json(request, ct.ChatRequest, limits.max_body_bytes)
        avatar = self._names.chat(asked.model)
        personas = None if avatar is None else self._runtime.personas(avatar.id)
        wanted = wanted_of(asked, limits.max_completion_tokens, self._runtime.kit.llm_extras)
        if asked.stream:
            stream = self._stream(asked, wanted, personas, payer)
            return await streamed(request, stream, "text/event-stream")
        return Json(await while_there(request, self._whole(asked, wanted, personas, payer)))

    async def _whole(
        self, asked: ct.ChatRequest, wanted: Asked, personas: Personas | None, payer: Payer
    ) -> ct.ChatCompletion:
        text, calls = "", Calls()
        async with self._errands.admitted(payer) as scope:
            completion = Completion(scope, self._runtime.kit, wanted, personas)
            async with aclosing(completion.deltas()) as deltas:
                async for delta in deltas:
                    if isinstance(delta, TextDelta):
                        text += delta.delta
                    else:
                        calls.push(delta)
        made = calls.given()
        message = ct.AssistantMessage(text or (None if made else ""), made or UNSET)
        choice = ct.Choice(message, completion.usage.finish)
        name = new_id("chatcmpl")
        return ct.ChatCompletion(name, int(time.time()), asked.model, [choice], usage_of(completion))

    async def _stream(
        self, asked: ct.ChatRequest, wanted: Asked, personas: Personas | None, payer: Payer
    ) -> AsyncGenerator[bytes, None]:
        name, created = new_id("chatcmpl"), int(time.time())
        with_usage = asked.stream_options is not None and asked.stream_options.include_usage

        def chunk(delta: ct.Delta, finish: str | None = None) -> bytes:
            choices = [ct.ChunkChoice(delta, finish)]
            usage = None if with_usage else UNSET
            return event(ct.ChatCompletionChunk(name, created, asked.model, choices, usage))

        begun = False
        try:
            async with self._errands.admitted(payer) as scope:
                completion = Completion(scope, self._runtime.kit, wanted, personas)
                async with aclosing(completion.deltas()) as deltas:
                    async for delta in deltas:
                        yield chunk(_delta(delta, _role(begun)))
                        begun = True
        except PolytalkError as error:
            if not begun:
                raise
            yield event(error_body(error))  # the status is sent already
            return
        yield chunk(ct.Delta(_role(begun), UNSET if begun else ""), completion.usage.finish)
        if with_usage:
            yield event(ct.ChatCompletionChunk(name, created, asked.model, [], usage_of(completion)))
        yield DONE


class Calls:
    """Puts calls together from their pieces."""

    def __init__(self) -> None:
        self._calls: dict[int, ToolDelta] = {}

    def push(self, delta: ToolDelta) -> None:
        """Take a piece."""
        known = self._calls.get(delta.index, ToolDelta(delta.index))
        self._calls[delta.index] = ToolDelta(
            delta.index, known.id or delta.id, known.name + delta.name, known.arguments + delta.arguments
        )

    def given(self) -> list[ct.ToolCallGiven]:
        """All of them, in order."""
        return [
            ct.ToolCallGiven(call.id, ct.FunctionCall(call.name, call.arguments))
            for _, call in sorted(self._calls.items())
        ]


def wanted_of(asked: ct.ChatRequest, most: int, extras: frozenset[str]) -> Asked:
    """A request in the dialogue's terms. Raises BadInput for what can't be had."""
    if asked.n not in (None, 1):
        raise BadInput(f"one answer is given at a time, so n must be 1, not {asked.n}", param="n")
    if asked.logprobs:
        raise BadInput("log probabilities are not given here; leave logprobs out", param="logprobs")
    if asked.modalities not in (None, ["text"]):
        raise BadInput("answers are text here; for speech ask /v1/audio/speech or /v1/realtime", param="modalities")
    for index, tool in enumerate(asked.tools or ()):
        if tool.get("type") not in TOOLS:  # others have the model's server call addresses
            raise BadInput(f"tools are of type {' or '.join(TOOLS)} here", param=f"tools[{index}].type")
    tokens = asked.max_completion_tokens or asked.max_tokens or most
    return Asked(
        messages=tuple(_message(message, index) for index, message in enumerate(asked.messages)),
        max_tokens=min(tokens, most),
        temperature=0.7 if asked.temperature is None else asked.temperature,
        top_p=1.0 if asked.top_p is None else asked.top_p,
        seed=asked.seed,
        stop=(asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ()),
        extra=_extra(asked, extras),
    )


def usage_of(completion: Completion) -> ct.ChatUsage:
    """What an answer cost."""
    usage = completion.usage
    return ct.ChatUsage(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens + usage.output_tokens,
        ct.PromptDetails(usage.cached_tokens),
    )


def _extra(asked: ct.ChatRequest, extras: frozenset[str]) -> str:
    chosen = {name: value for name in sorted(CHAT_EXTRAS) if (value := getattr(asked, name)) is not None}
    for name in list(chosen):
        if name in extras:
            continue
        if not any(chosen[name] == neutral for neutral in _NOTHING.get(name, ())):
            raise BadInput(
                f"the language model here takes no {name}; leave it out, or use an LLM engine that does",
                code="unsupported_parameter",
                param=name,
            )
        del chosen[name]
    return msgspec.json.encode(chosen).decode() if chosen else ""


def _message(message: ct.ChatMessage, index: int) -> Message:
    content = message.content
    text = content if isinstance(content, str) else "".join(part.text for part in content or ())
    calls = tuple(ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ())
    if not text and not calls and message.role != "tool":
        raise BadInput("the message has no text", param=f"messages[{index}].content")
    if message.role == "tool" and not message.tool_call_id:
        raise BadInput("a tool's message names the call that it answers", param=f"messages[{index}].tool_call_id")
    role = "system" if message.role == "developer" else message.role
    return Message(role, text, calls, message.tool_call_id or "")


def _role(begun: bool) -> Literal["assistant"] | UnsetType:
    """The first chunk says who speaks."""
    return UNSET if begun else "assistant"


def _delta(delta: TextDelta | ToolDelta, speaker: Literal["assistant"] | UnsetType) -> ct.Delta:
    if isinstance(delta, TextDelta):
        return ct.Delta(speaker, delta.delta)
    first = bool(delta.id)
    call = ct.ToolCallDelta(
        delta.index,
        ct.FunctionDelta(delta.name or UNSET, delta.arguments),
        delta.id or UNSET,
        "function" if first else UNSET,
    )
    return ct.Delta(speaker, UNSET, [call])
