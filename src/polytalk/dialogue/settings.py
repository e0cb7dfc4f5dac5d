"""What a client may choose for its session, in the dialogue's own terms."""

from typing import Literal

from msgspec import Struct

from polytalk.dialogue.endpointing import VadSettings


class TurnDetection(Struct, frozen=True):
    """server_vad, and what happens at its events."""

    vad: VadSettings = VadSettings()
    create_response: bool = True
    interrupt_response: bool = True


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
    speed: float = 1.0
    max_tokens: int = 160
    temperature: float = 0.3

    @property
    def vad(self) -> VadSettings | None:
        """How utterances are found; None when the client ends them itself."""
        return None if self.turn_detection is None else self.turn_detection.vad
