"""Any LLM behind `/chat/completions`: vLLM, SGLang, llama.cpp, Ollama, LiteLLM, OpenAI and their like."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress

import httpx
import msgspec

from polytalk.engines.base import CHAT_EXTRAS, parse_options
from polytalk.engines.remote import Remote, RemoteOptions
from polytalk.errors import EngineFailed
from polytalk.types import Message, TextDelta, ThinkWork, ToolDelta, Usage


class OpenAILlmOptions(RemoteOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[llm.options]`."""

    languages: tuple[str, ...] = ("*",)
    """What the model can converse in; any, unless said."""


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, frozen=True):
    index: int = 0
    id: str | None = None
    function: _Function = _Function()


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Details(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Event(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    error: msgspec.Raw | None = None


_decode = msgspec.json.Decoder(_Event).decode


class OpenAILlm:
    """`StreamEngine[ThinkWork, TextDelta | Usage]`.

    With vLLM, start the server with

    - `--max-num-seqs N`: how many answers it makes at once; `slots` here at least as large keeps it full, because
      an order among waiting turns is kept on this side, by deadline and fair share;
    - `--enable-prefix-caching`: a persona and its examples stand before every conversation and are computed once;
    - `--scheduling-policy priority`: with `extra_body = {priority = 0}` on the engine of conversations and a larger
      number on that of offline renders, a shared server takes conversations first;
    - `--speculative-config '{"method": "ngram", ...}'` or a draft model: fewer steps to the first sentence.

    Servers that name a field otherwise are met with `omit` and `extra_body`:
    `omit = ["max_tokens"]`, `extra_body = {max_completion_tokens = 160}`.
    """

    extras = CHAT_EXTRAS
    # The server behind says what of it is unknown to it.

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "openai"
        self._options = parse_options(OpenAILlmOptions, options or {}, "llm")
        self._remote = Remote(self._options, "llm")
        self.slots = self._options.slots
        self.languages = self._options.languages

    def load(self) -> None:
        """Make the connection pool. Raises ConfigError when the key's environment variable is not set."""
        self._remote.open()

    def close(self) -> None:
        """Close the connections."""
        self._remote.close()

    def probe(self) -> ThinkWork:
        """A greeting."""
        return ThinkWork(messages=(Message("user", "Hello."),), max_tokens=4)

    def units(self, work: ThinkWork) -> float:
        """Tokens that the answer may take."""
        return float(work.max_tokens)

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | ToolDelta | Usage]:
        """The answer as it is made, then what it cost (where the server says so, else deltas for tokens).

        Raises EngineFailed, and BadInput when the server refuses the request as such.
        """
        body = {
            "model": self._options.model,
            "messages": [_wire(message) for message in work.messages],
            "max_tokens": work.max_tokens,
            "temperature": work.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
            **_chosen(work),
        }
        deltas, finish = 0, "stop"
        usage: _Usage | None = None
        async with self._remote.post("chat/completions", body) as response, aclosing(self._events(response)) as events:
            async for event in events:
                for choice in event.choices:
                    if choice.delta.content:
                        deltas += 1
                        yield TextDelta(choice.delta.content)
                    for call in choice.delta.tool_calls or ():
                        function = call.function
                        yield ToolDelta(call.index, call.id or "", function.name or "", function.arguments or "")
                    finish = choice.finish_reason or finish
                usage = event.usage or usage
        cost = usage or _Usage(completion_tokens=deltas)
        details = cost.prompt_tokens_details
        yield Usage(cost.prompt_tokens, cost.completion_tokens, (details and details.cached_tokens) or 0, finish)

    async def _events(self, response: httpx.Response) -> AsyncGenerator[_Event, None]:
        """Server-sent events up to `[DONE]`; a stream that ends before the answer does is an error."""
        finished = False
        lines = response.aiter_lines()
        async for line in lines:
            if not line.startswith("data:"):  # comments keep the connection alive, other fields say nothing here
                continue
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                with suppress(TimeoutError):  # read to the end, else the connection can't be used again
                    async with asyncio.timeout(0.5):
                        async for _ in lines:
                            pass
                return
            try:
                event = _decode(data)
            except msgspec.DecodeError as error:
                raise EngineFailed(f"{self._remote.name} sent no chat chunk ({error}): {data[:100]!r}") from None
            if event.error is not None:
                raise EngineFailed(f"{self._remote.name} gave up: {bytes(event.error)[:200].decode(errors='replace')}")
            yield event
            finished = finished or any(choice.finish_reason for choice in event.choices)
        if not finished:
            raise EngineFailed(f"the answer of {self._remote.name} ended too early")


def _wire(message: Message) -> dict[str, object]:
    """A message as the protocol has it."""
    wire: dict[str, object] = {"role": message.role, "content": message.content}
    if message.calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    if message.answers:
        wire["tool_call_id"] = message.answers
    return wire


def _chosen(work: ThinkWork) -> dict[str, object]:
    """What a client chose besides; servers differ in what they take, so nothing is said that was not asked for."""
    chosen: dict[str, object] = msgspec.json.decode(work.extra, type=dict[str, object]) if work.extra else {}
    if work.stop:
        chosen["stop"] = list(work.stop)
    if work.top_p < 1.0:
        chosen["top_p"] = work.top_p
    if work.seed is not None:
        chosen["seed"] = work.seed
    return chosen
