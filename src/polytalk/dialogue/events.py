"""What a session tells its client, in the dialogue's own words; the gateway puts them into a protocol's."""

from typing import Literal, TypeAlias

from msgspec import Struct

from polytalk.dialogue.conversation.items import Item
from polytalk.types import Phone, Pictures, Seconds, Usage

Milliseconds: TypeAlias = int


ResponseStatus: TypeAlias = Literal["completed", "cancelled", "failed", "incomplete"]


class SpeechStarted(Struct, frozen=True):
    """The user began to speak; whatever still plays at the client is stale."""

    item: str
    at: Milliseconds
    """From the first audio sample of the session."""


class SpeechStopped(Struct, frozen=True):
    """The user's utterance ended (its last voiced sample, not the silence that proved it)."""

    item: str
    at: Milliseconds


class TimedOut(Struct, frozen=True):
    """The user said nothing for so long that the avatar speaks of its own accord."""

    item: str
    start: Milliseconds
    end: Milliseconds


class Committed(Struct, frozen=True):
    """An utterance became an item of the conversation."""

    item: str
    previous: str | None


class ItemAdded(Struct, frozen=True):
    """The conversation grew by an item (see `Conversation`)."""

    item: str
    previous: str | None


class Transcribed(Struct, frozen=True):
    """What the user said; empty when it was no speech."""

    item: str
    text: str
    seconds: Seconds


class TranscriptionFailed(Struct, frozen=True):
    """The utterance could not be transcribed."""

    item: str
    code: str
    message: str


class ResponseStarted(Struct, frozen=True):
    """An answer begins."""

    response: str
    modality: Literal["audio", "text"]
    previous: str | None = None
    """The newest item of the conversation: what is answered."""
    voice: str = ""
    max_tokens: int = 0
    metadata: dict[str, str] | None = None
    aside: bool = False
    """Whether it is no part of the conversation."""


class OutputAdded(Struct, frozen=True):
    """A part of an answer begins: its message, or a function call."""

    response: str
    item: Item
    previous: str | None
    """The item before it in the conversation."""
    index: int
    """Its place in the answer."""


class Called(Struct, frozen=True):
    """A piece of a call's arguments."""

    response: str
    item: str
    call: str
    delta: str


class OutputDone(Struct, frozen=True):
    """A part of an answer is over."""

    response: str
    item: Item


class Capacity(Struct, frozen=True):
    """Where the answer stands that waits for room; position 0 once it has begun."""

    position: int
    wait: Seconds
    """Expected."""
    face: bool = True
    """Whether there is room for the face as well, or for the voice alone."""
    fps: float = 0.0
    """Pictures a second that are drawn here for it; 0 when the client draws."""


class Said(Struct, frozen=True):
    """Words whose audio follows (or, in a text answer, the words themselves)."""

    response: str
    item: str
    text: str
    at: Seconds = 0.0
    """Where in the answer's audio they begin …"""
    lasts: Seconds = 0.0
    """… and how long they take."""


class Spoke(Struct, frozen=True):
    """The next audio of an answer, and the mouth that goes with it."""

    response: str
    item: str
    audio: bytes
    """PCM16 mono at `SPEECH_RATE`, a whole number of mouth frames long."""
    mouth: bytes
    """`MOUTH_RATE` frames for exactly this audio; empty when the session has no avatar."""
    first_frame: int
    """Index of the first mouth frame since the answer's first sample."""
    pictures: Pictures | None = None
    """Those shown during this audio, if the session wants any."""
    shown_at: Seconds = 0.0
    """When the first of them is shown, from the answer's first sample; the others follow 1 / fps apart."""
    fps: float = 0.0
    phones: tuple[Phone, ...] = ()
    """Those that begin during this audio, timed from its first sample; empty where the voice gives none."""


class ResponseFinished(Struct, frozen=True):
    """The answer is over; nothing of it follows."""

    response: str
    item: str
    """Of the message; "" when nothing was said."""
    status: ResponseStatus
    text: str
    """What was said; of a cancelled one, what was heard."""
    reason: str = ""
    """cancelled: turn_detected or client_cancelled; incomplete: max_output_tokens or content_filter; failed: a code."""
    message: str = ""
    usage: Usage | None = None
    asked: Seconds = 0.0
    """How long the user's speech was that is answered …"""
    spoke: Seconds = 0.0
    """… and the speech that was sent."""
    unplayed: Seconds = 0.0
    """Of that, what the listener still has to hear."""


class ItemTruncated(Struct, frozen=True):
    """History was cut back to what the listener heard."""

    item: str
    heard: Milliseconds


class Trouble(Struct, frozen=True):
    """Something went wrong that the session survives."""

    code: str
    message: str


DialogueEvent: TypeAlias = (
    SpeechStarted
    | SpeechStopped
    | TimedOut
    | Committed
    | ItemAdded
    | Transcribed
    | TranscriptionFailed
    | ResponseStarted
    | OutputAdded
    | Called
    | OutputDone
    | Capacity
    | Said
    | Spoke
    | ResponseFinished
    | ItemTruncated
    | Trouble
)
