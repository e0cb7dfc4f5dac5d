"""An engine without a model: says back what it was told, for trying microphone, voice and face."""

import re
from collections.abc import AsyncIterator, Mapping

import msgspec

from polytalk.engines.base import parse_options
from polytalk.types import Message, TextDelta, ThinkWork, Usage


class EchoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[llm.options]`."""

    prefix: str = "You said: "
    slots: int = 64


class EchoLlm:
    """`StreamEngine[ThinkWork, TextDelta | Usage]`."""

    languages: tuple[str, ...] = ("*",)

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "echo"
        self._options = parse_options(EchoOptions, options or {}, "llm")
        self.slots = self._options.slots

    def load(self) -> None:
        """Nothing to read."""

    def close(self) -> None:
        """Nothing to give back."""

    def probe(self) -> ThinkWork:
        """One word."""
        return ThinkWork(messages=(Message("user", "Hello."),))

    def units(self, work: ThinkWork) -> float:
        """Words to say."""
        return float(len(self._words(work)))

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | Usage]:
        """The user's last message, word by word; Chinese character by character."""
        all_of_it = self._words(work)
        words = all_of_it[: work.max_tokens]
        for word in words:
            yield TextDelta(word)
        yield Usage(
            input_tokens=sum(len(message.content.split()) for message in work.messages),
            output_tokens=len(words),
            finish="stop" if len(words) == len(all_of_it) else "length",
        )

    def _words(self, work: ThinkWork) -> list[str]:
        said = next((message.content for message in reversed(work.messages) if message.role == "user"), "")
        return re.findall(r"\s*(?:[\u3400-\u9fff]|[^\s\u3400-\u9fff]+)", self._options.prefix + said)
