"""Frozen messages that walk between rooms, and the units they are measured in.

A *session* is one user's conversation; a *turn* one utterance and its answer; a *job* one stage's work for a
turn; a *chunk* a piece of a job's result. Every job carries tenant, tier, deadline, generation and trace, so
that no stage needs the request it came from.
"""

from enum import StrEnum
from typing import Literal, TypeAlias

from msgspec import Struct

Seconds: TypeAlias = float
"""A duration, or a moment on a `Clock` (never wall-clock time of day)."""
Generation: TypeAlias = int
"""How often the session was interrupted; work of an older generation is dead wherever it is."""

LISTEN_RATE = 16_000
"""Samples per second of audio given to voice activity detection and ASR (PCM16 mono)."""
SPEECH_RATE = 24_000
"""Samples per second of synthesised speech and of protocol audio (PCM16 mono)."""
SAMPLE_BYTES = 2
MOUTH_RATE = 50
"""Mouth frames per second. Frame i shows the mouth at i / 50 s of the audio it belongs to."""
MOUTH_PARAMS = ("jaw", "wide", "round", "press", "upper", "lower", "teeth", "tongue", "blink")
"""The one definition of the mouth: bytes 0..255 for 0..1, in this order, nine a frame."""
FEATURE_RATE = 100
"""Feature frames per second. Frame i describes the sound around i / 100 s of its audio."""
MELS = 40
"""Mel bands of a feature frame."""


class Tier(StrEnum):
    """Class of service, best first."""

    VIP = "vip"
    STANDARD = "standard"
    BATCH = "batch"


class Stage(StrEnum):
    """The steps of a turn that need an engine."""

    LISTEN = "listen"
    THINK = "think"
    SPEAK = "speak"
    ANALYSE = "analyse"
    MOUTH = "mouth"
    SYNTHESISE = "synthesise"
    EMBED = "embed"


class Phone(Struct, frozen=True, array_like=True):
    """One phone of synthesised speech, timed from the first sample of its chunk."""

    symbol: str
    """In misaki's alphabet (IPA with A I O W Y for diphthongs); "" is silence."""
    start: Seconds
    end: Seconds


class ToolCall(Struct, frozen=True):
    """A function that an LLM wants called."""

    id: str
    name: str
    arguments: str
    """JSON, as the model wrote it."""


class Message(Struct, frozen=True):
    """One entry of the history given to an LLM."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()
    """What an assistant wanted called."""
    answers: str = ""
    """Of a tool: the id of the call that it answers."""


# --- what a job asks for -------------------------------------------------------------------------------------------


class ListenWork(Struct, frozen=True, tag="listen"):
    """Transcribe one utterance."""

    audio: bytes
    """PCM16 mono at `LISTEN_RATE`."""
    language: str | None = None
    """ISO 639-1 code, or None to find it."""
    prompt: str = ""
    """Words that stood before, or names that may come up; an engine that can't be told ignores it."""
    temperature: float = 0.0
    """0 takes the likeliest words."""


class ThinkWork(Struct, frozen=True, tag="think"):
    """Answer a history."""

    messages: tuple[Message, ...]
    max_tokens: int = 160
    temperature: float = 0.3
    max_sentences: int = 0
    """Stop after so many sentences; 0 for no limit. An engine whose server can't be stopped may ignore it."""
    ahead: bool = False
    """Only read: nothing is answered, and an answer to messages that begin alike comes sooner."""
    plain: bool = False
    """To be read, not heard: the answer may have paragraphs and lists."""
    stop: tuple[str, ...] = ()
    """The answer ends before any of these. An engine may ignore it and the next two."""
    top_p: float = 1.0
    seed: int | None = None
    extra: str = ""
    """A JSON object of further fields of `/chat/completions`, for an engine that names them in its `extras`."""


class SpeakWork(Struct, frozen=True, tag="speak"):
    """Say one sentence."""

    text: str
    voice: str
    """A voice of the engine the job is routed to."""
    language: str = "en"
    speed: float = 1.0


class AnalyseWork(Struct, frozen=True, tag="analyse"):
    """Describe a piece of speech in terms that a mouth can be moved by."""

    audio: bytes
    """PCM16 mono at `SPEECH_RATE`."""
    level: float = 0.0
    """`Features.level` of the speech before, 0 at its beginning: a quiet piece must not be taken for a loud one."""


class Features(Struct, frozen=True, tag="features"):
    """What the sound is like, `FEATURE_RATE` times a second."""

    mels: bytes
    """float32, little-endian, [T, `MELS`]: log10 of the power in each band, full scale about 0. T is even."""
    loudness: bytes
    """float32, little-endian, [T] in 0..1: 1 at `level`, 0 in silence. Its rises are the syllables."""
    level: float
    """RMS of the loud frames, of full scale, slowly forgetting what was louder before."""


class MouthWork(Struct, frozen=True, tag="mouth"):
    """Move the mouth to a piece of speech: from its phones and audio, or from its features."""

    count: int
    """Mouth frames that are wanted …"""
    first: int = 0
    """… from this one on; what lies around them is context."""
    audio: bytes = b""
    """PCM16 mono at `SPEECH_RATE`; empty when there are features."""
    phones: tuple[Phone, ...] = ()
    """Empty when the TTS gives no timings."""
    features: Features | None = None
    """Given when there are no phones, and to an engine that `needs_features` in any case."""


class SynthesiseWork(Struct, frozen=True, tag="synthesise"):
    """Draw the pictures of a run. Says everything, so that it may be done by anybody, and again."""

    avatar: str
    folder: str
    """Where the avatar's files are; "" for one that comes with the package."""
    names: tuple[str, ...]
    """The parameters …"""
    frames: bytes
    """… and their values, float32, little-endian, [T, names]: mouth, blinks, head and pose, one row a picture."""
    size: tuple[int, int] = (512, 512)
    """Width and height of the whole picture."""
    form: Literal["full", "jaw"] = "full"
    """The whole picture, or the part of it that speech moves."""
    fps: float = 25.0
    audio: bytes = b""
    """PCM16 mono at `SPEECH_RATE` for an engine that `hears`: `lead` before the first picture to after the last."""
    lead: Seconds = 0.0

    @property
    def count(self) -> int:
        """Pictures asked for."""
        return len(self.frames) // (4 * max(len(self.names), 1))


class EmbedWork(Struct, frozen=True, tag="embed"):
    """Place a question among others by what it means."""

    text: str


Work: TypeAlias = ListenWork | ThinkWork | SpeakWork | AnalyseWork | MouthWork | SynthesiseWork | EmbedWork

# --- what comes back -----------------------------------------------------------------------------------------------


class Transcript(Struct, frozen=True, tag="transcript"):
    """What was said. `text` is empty when nothing was."""

    text: str
    language: str = "en"
    score: float = 0.0
    """Mean log probability of the tokens; 0 where the engine does not say."""
    no_speech: float = 0.0
    """Probability that nobody spoke."""


class TextDelta(Struct, frozen=True, tag="text"):
    """The next piece of an LLM's answer."""

    delta: str


class ToolDelta(Struct, frozen=True, tag="tool"):
    """The next piece of a call that an LLM wants made; the first of each index has id and name."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Usage(Struct, frozen=True, tag="usage"):
    """An LLM's last word: what the answer cost, and why it ended."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    finish: str = "stop"
    """`stop`, `length`, `tool_calls` or `content_filter`, as the protocol has it."""


class Speech(Struct, frozen=True, tag="speech"):
    """A piece of a sentence's audio."""

    audio: bytes
    """PCM16 mono at `SPEECH_RATE`."""
    phones: tuple[Phone, ...] = ()


class MouthFrames(Struct, frozen=True, tag="mouth"):
    """`MOUTH_RATE` frames a second, one byte for each of `MOUTH_PARAMS`, frames after one another."""

    frames: bytes


Layout: TypeAlias = Literal["rgb", "yuv420"]
"""How the bytes of a picture lie: [height, width, 3], red, green and blue; or three planes one after another, Y'
[height, width], Cb and Cr [height / 2, width / 2], BT.709 in the limited range, as video encoders take them."""


def room_of(layout: Layout, width: int, height: int) -> int:
    """Bytes of a picture; both sides of "yuv420" are even."""
    return 3 * width * height if layout == "rgb" else 3 * width * height // 2


class Pictures(Struct, frozen=True, tag="pictures"):
    """Raw pictures, one after another. They stay in the process (ADR 19): whoever shows them encodes them."""

    pixels: memoryview
    """Bytes, [T, room]."""
    width: int
    height: int
    left: int = 0
    """Where they belong in the whole picture."""
    top: int = 0
    layout: Layout = "rgb"

    @property
    def room(self) -> int:
        """Bytes of one."""
        return room_of(self.layout, self.width, self.height)

    @property
    def count(self) -> int:
        """How many."""
        return len(self.pixels) // self.room

    def part(self, first: int, end: int) -> "Pictures":
        """Some of them; nothing is copied."""
        pixels = self.pixels[first * self.room : end * self.room]
        return Pictures(pixels, self.width, self.height, self.left, self.top, self.layout)


class Vector(Struct, frozen=True, tag="vector"):
    """Where a text stands. The product of two is the cosine between them."""

    values: bytes
    """32-bit floats, little-endian, of length 1 together."""


class Failure(Struct, frozen=True, tag="failure"):
    """Why a job gave nothing: an error of `polytalk.errors`, as data."""

    code: str
    message: str


Result: TypeAlias = (
    Transcript | TextDelta | ToolDelta | Usage | Speech | Features | MouthFrames | Pictures | Vector | Failure
)

# --- envelopes -----------------------------------------------------------------------------------------------------


class Job(Struct, frozen=True):
    """One stage's work for one turn."""

    id: str
    stage: Stage
    engine: str
    """Which engine of the stage: a queue is a (stage, engine) pair."""
    session: str
    generation: Generation
    turn: str
    work: Work
    created: Seconds
    deadline: Seconds
    """When the client needs the first of the result (a moment on the clock)."""
    reply_to: str
    """The dialogue process that waits for the chunks."""
    tenant: str = "default"
    tier: Tier = Tier.STANDARD
    trace: str = ""
    """W3C traceparent of the turn."""
    attempt: int = 1
    speculative: bool = False
    """Of an answer begun on a guess: it runs where nothing else waits, until the guess is adopted."""


class Chunk(Struct, frozen=True):
    """A piece of a job's result. The last one of a job has `final` set and may carry no result."""

    job: str
    session: str
    generation: Generation
    sequence: int
    result: Result | None
    final: bool
    reply_to: str
    queued: Seconds = 0.0
    """How long the job waited for its engine (set on the first chunk)."""
    computed: Seconds = 0.0
    """How long the engine has worked on it so far."""
