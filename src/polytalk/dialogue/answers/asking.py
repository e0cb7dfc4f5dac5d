"""What an answer is to: the history once all of its words are known, and the language to answer in."""

import asyncio
from collections.abc import Sequence

from polytalk.dialogue.conversation.history import Told
from polytalk.dialogue.ears.words import Words
from polytalk.dialogue.voices import language_of
from polytalk.types import Message, Transcript


async def resolved(
    history: Sequence[Told], heard: Sequence[Words], language: str | None
) -> tuple[tuple[Message, ...], str]:
    """The history with the user's last words; and the language to answer in, `language` where no speech tells it.

    Empty when the user's last utterance turns out to be none. Raises what befell the last one when none could be
    transcribed.
    """
    entries = (*history, *heard)
    transcripts = await _transcripts([one for one in entries if not isinstance(one, Message)])
    told: list[Message] = []
    for entry in entries:
        if isinstance(entry, Message):
            told.append(entry)
        elif entry in transcripts and transcripts[entry].text:
            told.append(Message("user", transcripts[entry].text))
    if entries and not isinstance(entries[-1], Message):
        said = list(transcripts.values())
        return (tuple(told) if any(one.text for one in said) else ()), said[-1].language
    words = next((message.content for message in reversed(told) if message.role == "user"), "")
    return tuple(told) or (Message("user", "Hello."),), language or language_of(words)


async def _transcripts(utterances: Sequence[Words]) -> dict[Words, Transcript]:
    """Of those that could be transcribed."""
    outcomes = await asyncio.gather(*map(asyncio.shield, utterances), return_exceptions=True)
    pairs = zip(utterances, outcomes, strict=True)
    transcripts = {words: outcome for words, outcome in pairs if isinstance(outcome, Transcript)}
    if outcomes and not transcripts and isinstance(outcomes[-1], BaseException):
        raise outcomes[-1]
    return transcripts
