"""A long text to be read aloud: paragraphs, which empty lines divide, and their sentences, each with its line's number.

Lines of a paragraph are joined, as hard-wrapped texts need it: with a space, or without one between Chinese signs.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Final

from polytalk.dialogue.answers.sentences import SentenceSplitter
from polytalk.dialogue.voices import language_of
from polytalk.errors import BadInput
from polytalk.types import Seconds

MAX_BYTES: Final = 1 << 20
"""Of a script: about 18 hours of English speech."""
PARAGRAPH_PAUSE: Final[Seconds] = 0.5
"""After a paragraph, besides what follows a sentence in any case."""
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said at once."""

    text: str
    line: int
    """Of the script, from 1."""
    pause: Seconds = 0.0
    """Silence after it."""


def load_script(path: Path) -> str:
    """The text of a file. Raises BadInput: unreadable, empty, too large, not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise BadInput(f"{path} is larger than {MAX_BYTES >> 20} MiB; divide it into several scripts")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadInput(f"{path} can't be read as UTF-8 in line {line}; save it as UTF-8") from None
    if not text.strip():
        raise BadInput(f"{path} is empty; write into it what is to be said")
    return text


def read_script(text: str, pause: Seconds = PARAGRAPH_PAUSE) -> list[Sentence]:
    """The sentences of a script in order. Raises BadInput, with its line, for a paragraph that nobody could say."""
    sentences: list[Sentence] = []
    for paragraph in _paragraphs(text):
        joined, starts = _joined(paragraph)
        if not _sayable(joined):
            raise BadInput(f"line {paragraph[0][0]} has nothing that can be said: {joined[:60]!r}; write it in words")
        found = list(_split(joined, starts))
        sentences += found[:-1]
        sentences.append(Sentence(found[-1].text, found[-1].line, pause))
    return sentences


def _paragraphs(text: str) -> Iterator[list[tuple[int, str]]]:
    """Lines with their numbers, from 1."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            lines.append((number, line.strip()))
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _joined(lines: list[tuple[int, str]]) -> tuple[str, list[tuple[int, int]]]:
    """The paragraph, and where in it each line begins: (offset, number)."""
    text = lines[0][1]
    starts = [(0, lines[0][0])]
    for (_, before), (number, line) in pairwise(lines):
        if not (_WIDE.match(before[-1]) and _WIDE.match(line[0])):
            text += " "
        starts.append((len(text), number))
        text += line
    return text, starts


def _split(text: str, starts: list[tuple[int, int]]) -> Iterator[Sentence]:
    """The sentences of a paragraph. What has no letter or digit is shown with the one before it."""
    splitter = SentenceSplitter(language_of(text), whole=True)
    offset = 0
    held: Sentence | None = None
    for segment in (*splitter.push(text), *splitter.flush()):
        at = offset + len(segment) - len(segment.lstrip())
        offset += len(segment)
        line = starts[bisect_right(starts, at, key=itemgetter(0)) - 1][1]
        if held is None:
            held = Sentence(segment.strip(), line)
        elif _sayable(segment) and _sayable(held.text):
            yield held
            held = Sentence(segment.strip(), line)
        else:
            held = Sentence(held.text + segment.rstrip(), held.line)
    if held is not None:
        yield held


def _sayable(text: str) -> bool:
    return any(map(str.isalnum, text))
