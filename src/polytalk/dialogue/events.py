"""What a session tells its client, in the dialogue's own words; the gateway puts them into a protocol's."""

from typing import Literal, TypeAlias

from msgspec import Struct

from polytalk.types import Pictures, Seconds, Usage

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
    item: str
    previous: str | None
    modality: Literal["audio", "text"]
    metadata: dict[str, str] | None = None


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
    """Where in the answer's audio they begin."""


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


class ResponseFinished(Struct, frozen=True):
    """The answer is over; nothing of it follows."""

    response: str
    item: str
    status: ResponseStatus
    text: str
    """What was said; of a cancelled one, what was heard."""
    reason: str = ""
    """cancelled: turn_detected or client_cancelled; incomplete: max_output_tokens; failed: the error's code."""
    message: str = ""
    usage: Usage | None = None


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
    | Committed
    | ItemAdded
    | Transcribed
    | TranscriptionFailed
    | ResponseStarted
    | Capacity
    | Said
    | Spoke
    | ResponseFinished
    | ItemTruncated
    | Trouble
)
