"""One item of a conversation: a message, a function call, or what the function gave."""

import re
from typing import Literal, TypeAlias

from msgspec import Struct

from polytalk.types import Seconds

_WIDE = "\u3000-\u9fff\uff00-\uffef"  # Chinese and Japanese, which have no spaces between words
_WORD = re.compile(rf"\s*(?:[{_WIDE}]|[^\s{_WIDE}]+)")

Status: TypeAlias = Literal["completed", "in_progress", "incomplete"]


class Part(Struct):
    """Of a message that a client gave in several parts, or as audio."""

    type: Literal["text", "audio"]
    text: str = ""
    """Of audio its transcript, "" until it is there."""


class Item(Struct):
    """`text` of a cancelled answer is cut back to what the listener heard; of a call it is the arguments, as JSON, and
    of an output what the function gave."""

    id: str
    role: Literal["system", "user", "assistant"]
    text: str = ""
    spoken: bool = False
    """Whether it was (or is) audio."""
    status: Status = "completed"
    marks: list[tuple[Seconds, str]] = []
    """An answer's pieces of text, each with the moment of its audio's end."""
    kind: Literal["message", "function_call", "function_call_output"] = "message"
    call_id: str = ""
    name: str = ""
    """Of the function that is called."""
    parts: list[Part] = []
    """As a client gave them; empty where `text` and `spoken` say it all."""
    seconds: Seconds = 0.0
    """How long a user's speech in it lasts."""

    def cut(self, heard: Seconds) -> None:
        """Keep of a spoken answer what was heard; again with a better figure gives a better text."""
        if self.marks:
            self.text = heard_text(self.marks, heard)
        self.status = "incomplete"

    def hear(self, transcript: str) -> None:
        """The words of all audio in it: they stand in its first part of audio."""
        for part in self.parts:
            if part.type == "audio":
                part.text = transcript
                break
        self.text = "\n".join(part.text for part in self.parts if part.text) if self.parts else transcript


def heard_text(marks: list[tuple[Seconds, str]], heard: Seconds) -> str:
    """The words (in Chinese, characters) whose audio was played by `heard`, taking speech to be even within a piece.

    >>> heard_text([(1.0, "One two."), (2.0, " Three four.")], 1.5)
    'One two. Three'
    """
    return _heard(marks, heard).strip()


def unheard_text(marks: list[tuple[Seconds, str]], heard: Seconds) -> str:
    """The words after those of `heard_text`, with the space before them.

    >>> unheard_text([(1.0, "One two."), (2.0, " Three four.")], 1.5)
    ' four.'
    """
    return "".join(text for _, text in marks)[len(_heard(marks, heard)) :]


def _heard(marks: list[tuple[Seconds, str]], heard: Seconds) -> str:
    kept, began = "", 0.0
    for end, text in marks:
        if heard >= end:
            kept, began = kept + text, end
            continue
        words = _WORD.findall(text)
        share = max(0.0, heard - began) / max(end - began, 1e-9)
        kept += "".join(words[: int(share * len(words) + 0.5)])
        break
    return kept
