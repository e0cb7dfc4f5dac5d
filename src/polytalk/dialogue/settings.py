"""What a client may choose for its session, in the dialogue's own terms."""

from typing import Literal

from msgspec import Struct

from polytalk.dialogue.endpointing import VadSettings
from polytalk.types import Seconds


class TurnDetection(Struct, frozen=True):
    """server_vad, and what happens at its events."""

    vad: VadSettings = VadSettings()
    create_response: bool = True
    interrupt_response: bool = True


class Video(Struct, frozen=True):
    """Pictures that the server draws."""

    form: Literal["full", "jaw"] = "full"
    """The whole picture, or the part of it that speech moves."""
    fps: float = 25.0
    """At most: fewer when the machine is short of room (the rungs of `schedule.demand.ladder`)."""
    size: int = 512
    """Width and height of the whole picture in pixels."""


class SessionSettings(Struct, frozen=True):
    """Immutable; a change replaces it, so that a turn under way keeps what it began with."""

    avatar: str
    voice: str
    turn_detection: TurnDetection | None = TurnDetection()
    modality: Literal["audio", "text"] = "audio"
    instructions: str = ""
    """Replaces the avatar's own persona when given."""
    language: str | None = None
    """What the user speaks; None finds out per utterance."""
    mouth: bool = False
    """Whether mouth frames are wanted with the audio."""
    video: Video | None = None
    """The pictures that are wanted with the audio; None when the client draws."""
    speed: float = 1.0
    max_tokens: int = 160
    temperature: float = 0.3

    @property
    def vad(self) -> VadSettings | None:
        """How utterances are found; None when the client ends them itself."""
        return None if self.turn_detection is None else self.turn_detection.vad


class Bounds(Struct, frozen=True):
    """What a session may grow to, and how it is paced."""

    max_utterance: Seconds = 60.0
    max_items: int = 200
    send_lead: Seconds = 0.5
    speculate: bool = True
