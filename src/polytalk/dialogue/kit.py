"""What all turns of a process work with."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from polytalk.dialogue.answers.speaking import Studio
from polytalk.dialogue.capacity.gate import Gate
from polytalk.dialogue.faces.face import FaceEngines
from polytalk.dialogue.knowledge.recall import Recall
from polytalk.dialogue.metronome import Metronome
from polytalk.dialogue.persona import Persona
from polytalk.dialogue.voices import Voices
from polytalk.types import Seconds

FIRST_AUDIO: Seconds = 0.4
"""Within this the user expects to hear something: the deadline of all work before the first sound.

Later than now, so that a listener who is about to run dry goes before one who has only stopped speaking.
"""


class Kit(Struct, frozen=True):
    """What turns work with: which engine serves which stage, and the voices."""

    asr: str
    llm: str
    faces: FaceEngines
    voices: Voices
    studio: Studio
    """Makes speech and mouths, none of them twice."""
    llm_languages: tuple[str, ...]
    gate: Gate
    metronome: Metronome
    """Sends what many listeners are due for together."""
    recall: Recall | None
    """Finds what avatars know by its meaning; None when no avatar has a knowledge file."""
    has_room: Callable[[], bool]
    """Whether there is capacity that would idle otherwise."""
    max_lead: Seconds
    may_read_ahead: Callable[[], bool] = bool
    """Whether the LLM keeps what it has read, and more than one core would idle. (`bool` says no.)"""
    foresee: Callable[[str, int], None] = lambda avatar, size: None
    """Told of an avatar whose pictures, of this side, will be asked for."""
    llm_extras: frozenset[str] = frozenset()
    """Fields of `ThinkWork.extra` that the LLM takes."""

    def thinks_in(self, language: str) -> bool:
        """Whether the LLM can answer in the language."""
        return "*" in self.llm_languages or language in self.llm_languages


class Personas(Protocol):
    """Finds the avatar's persona for a language."""

    def __call__(self, language: str) -> Persona:
        """The persona; one in English when there is none in the language."""
        ...
