"""An answer under way, and one that was broken off."""

from dataclasses import dataclass, field

from polytalk.dialogue.answers.delivery import Delivery
from polytalk.dialogue.answers.turn import Turn
from polytalk.dialogue.conversation.history import Told
from polytalk.dialogue.faces.face import Piece
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.tasks import Task
from polytalk.types import Seconds


@dataclass(eq=False)
class Answer:
    """A turn, and its delivery once that has begun."""

    holder: str
    """Under which it holds its lease."""
    turn: Turn
    settings: SessionSettings
    history: tuple[Told, ...]
    """The conversation as it was when the turn began."""
    tasks: list[Task] = field(default_factory=list)
    delivery: Delivery | None = None


@dataclass(frozen=True)
class Held:
    """An answer that was broken off and may go on."""

    answer: Answer
    rest: Piece
    """What the listener has not heard of what was taken from the turn."""
    heard: Seconds
