"""Does anybody hear somebody else's answer? Callers say code words to an echo, and the echo's voice is read back.

Every caller has two words that nobody else has; real ASR hears them, real TTS says them, the ASR engine, here in this
process, reads what arrived. A word of another caller, an event of a response that is not the session's, or the voice
of another avatar is a stray.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence

from bench.client import Caller
from bench.crowd import Call, Talk, converse
from bench.pitch import median_pitch
from bench.plan import Plan
from bench.questions import Line, speak
from bench.record import Record
from bench.report import Figure
from bench.server import Server, serving
from polytalk.config import Settings
from polytalk.engines import registry
from polytalk.media.pcm import resample
from polytalk.types import LISTEN_RATE, SPEECH_RATE, ListenWork, Transcript

# fmt: off
WORDS = (
    "pineapple", "elephant", "telescope", "volcano", "umbrella", "kangaroo", "dinosaur", "chocolate", "helicopter",
    "hospital", "piano", "tornado", "crocodile", "library", "mountain", "astronaut", "submarine", "penguin",
    "newspaper", "basketball", "calendar", "diamond", "envelope", "firework", "giraffe", "hamburger", "jellyfish",
    "lemonade", "microscope", "parachute", "rainbow", "sandwich", "tomato", "violin", "bicycle", "candle", "dolphin",
    "garden", "hammer", "island", "pumpkin", "scissors", "turtle", "window", "kitchen",
)
# fmt: on
"""Each survives voice → ASR → voice → ASR with both voices."""
VOICES = ("heart", "joe")
AVATARS = {"mira": "heart", "theo": "joe"}
BETWEEN = 160.0
"""Hz: heart speaks above it, joe below."""


def measure(plan: Plan) -> Figure:
    """All of it: no chunk may go astray."""
    with serving({"LLM": '{"engine": "echo"}'}) as server:
        talk = asyncio.run(_talk(server, plan))
    answered = list(_answers(talk))
    heard = _read([audio for _, _, audio in answered])
    said = [words_in(text) for text in heard]
    row = {
        "users": plan.stray_users,
        "turns": len(answered),
        "failed": len(talk.failed),
        "foreign words": sum(
            bool(words - set(words_of(user))) for (user, _, _), words in zip(answered, said, strict=True)
        ),
        "foreign voices": sum(not _is_voice_of(user, audio) for user, _, audio in answered),
        "foreign ids": sum(len(call.record.strays) for call in talk.calls)
        + shared_ids(call.record for call in talk.calls),
        "own word not read": sum(word not in words for (_, word, _), words in zip(answered, said, strict=True)),
        "turns/s": round(talk.rate, 2),
    }
    notes = [
        "own word not read: the recogniser misheard it, on the way in or on the way back; no other word was there."
    ]
    return Figure("stray", "Answers and chunks that reach somebody else", "0 foreign", [row], notes + talk.complaints())


def words_of(user: int) -> Sequence[str]:
    """A user's own code words."""
    return WORDS[2 * user : 2 * user + 2]


def words_in(text: str) -> set[str]:
    """The code words in a transcript, whoever's they are."""
    return set(re.findall("[a-z]+", text.lower())) & set(WORDS)


def shared_ids(records: Iterable[Record]) -> int:
    """Responses that more than one session was told of."""
    ids = [response for record in records for response in record.answers]
    return len(ids) - len(set(ids))


def _avatar(user: int) -> str:
    return list(AVATARS)[user // 2 % 2]


async def _talk(server: Server, plan: Plan) -> Talk:
    if 2 * plan.stray_users > len(WORDS):
        raise ValueError(f"there are words for {len(WORDS) // 2} users, not for {plan.stray_users}")
    rows = [
        speak(Line(f"My word is {word} and my word is {word}.", VOICES[user % 2]) for word in words_of(user))
        for user in range(plan.stray_users)
    ]
    turns = -(-plan.strays // plan.stray_users)
    make = [_avatar(user) for user in range(plan.stray_users)]
    return await converse(
        server, rows, turns=turns, stagger=2.0, caller=lambda user: Caller(server.url, avatar=make[user])
    )


def _answers(talk: Talk) -> Iterator[tuple[int, str, bytes]]:
    """User, the word they said, and the audio they heard."""
    for call in talk.calls:
        for turn in call.turns:
            word = next(word for word in WORDS if word in turn.question.line.text)
            if turn.answer is not None:
                yield _user(call), word, bytes(turn.answer.audio)


def _user(call: Call) -> int:
    first = call.turns[0].question.line.text
    return next(index for index, word in enumerate(WORDS) if word in first) // 2


def _is_voice_of(user: int, audio: bytes) -> bool:
    pitch = median_pitch(audio)
    return pitch is not None and ("heart" if pitch > BETWEEN else "joe") == AVATARS[_avatar(user)]


def _read(audios: Sequence[bytes]) -> list[str]:
    """What is said in each."""
    choice = Settings(languages=("en",)).asr_choice()
    asr = registry.create("asr", choice.engine, choice.options)
    asr.load()
    try:
        works = [ListenWork(resample(audio, SPEECH_RATE, LISTEN_RATE), "en") for audio in audios]
        return [one.text if isinstance(one, Transcript) else "" for one in asr.run(works)]
    finally:
        asr.close()
