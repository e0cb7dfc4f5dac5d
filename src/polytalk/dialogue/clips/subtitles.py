"""Subtitles beside a clip: SubRip (srt) and WebVTT (vtt)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from polytalk.dialogue.answers.sentences import columns
from polytalk.types import Seconds

Form: TypeAlias = Literal["srt", "vtt"]
LINE: Final = 42
"""Columns of a line; a Chinese sign has two."""
LINES: Final = 2
"""Lines of a cue."""
_AFTER = "，。；：、！？,;:.!?"
"""A line may end after these where there are no spaces."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from `start` to `end`."""

    start: Seconds
    end: Seconds
    text: str


def cues(start: Seconds, end: Seconds, text: str) -> Iterator[Cue]:
    """A sentence as cues of two lines; each has its share of the time, by columns."""
    lines = list(_lines(text))
    total = sum(columns(line) for line in lines)
    done = 0
    for first in range(0, len(lines), LINES):
        shown = lines[first : first + LINES]
        width = sum(columns(line) for line in shown)
        yield Cue(
            start + (end - start) * done / total, start + (end - start) * (done + width) / total, "\n".join(shown)
        )
        done += width


def written(form: Form, shown: Iterable[Cue]) -> str:
    """The file's content."""
    if form == "vtt":
        blocks = (f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_escaped(cue.text)}\n" for cue in shown)
        return "\n".join(("WEBVTT\n", *blocks))
    return "\n".join(
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{cue.text.replace('-->', '→')}\n"
        for number, cue in enumerate(shown, 1)
    )


def _time(seconds: Seconds, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def _escaped(text: str) -> str:
    """WebVTT has markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(text: str) -> Iterator[str]:
    """About equally long lines of at most `LINE` columns."""
    text = " ".join(text.split())
    count = -(-columns(text) // LINE)
    while count > 1 and columns(text) > LINE:
        cut = _cut(text, min(LINE, columns(text) / count * 1.15))
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
        count = max(2, -(-columns(text) // LINE))
    yield text


def _cut(text: str, most: float) -> int:
    """How many characters of the text go on a line: to the last space or mark that fits, else all that fit."""
    width, place, fits = 0, 0, 0
    for number, char in enumerate(text, 1):
        width += columns(char)
        if width > most:
            break
        fits = number
        if char.isspace() or char in _AFTER:
            place = number
    return place or max(1, fits)
