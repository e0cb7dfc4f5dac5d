"""What a client may choose for its session, in the dialogue's own terms."""

from typing import Literal

from msgspec import Struct

from polytalk.dialogue.conversation.tools import Tool, ToolChoice
from polytalk.dialogue.ears.completeness import Eagerness
from polytalk.dialogue.ears.endpointing import VadSettings
from polytalk.types import Seconds


class TurnDetection(Struct, frozen=True):
    """How the end of a turn is found, and what happens then."""

    vad: VadSettings = VadSettings()
    create_response: bool = True
    interrupt_response: bool = True
    eagerness: Eagerness | None = None
    """semantic_vad: what was said decides how long a silence is waited for. None: server_vad."""
    idle_timeout: Seconds | None = None
    """After so much silence since its last words the avatar speaks again."""


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
    tools: tuple[Tool, ...] = ()
    """Functions of the client that the LLM may call."""
    tool_choice: ToolChoice = ToolChoice()
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
    max_chars: int = 400_000
    """Of all items."""
    send_lead: Seconds = 0.8
    speculate: bool = True
