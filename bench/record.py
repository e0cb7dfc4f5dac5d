"""What one caller said and heard, and when: pure, so that a test can play a conversation without a socket."""

import asyncio
from dataclasses import dataclass, field

from bench import events
from bench.questions import Utterance
from polytalk.media.pcm import duration
from polytalk.schedule.playout import Playout
from polytalk.types import MOUTH_PARAMS, SPEECH_RATE, Seconds

JITTER: Seconds = 0.08
"""What a player collects before it begins to play."""
JAW = MOUTH_PARAMS.index("jaw")
JAW_MOVES = 0.05
"""Opening from which a jaw is seen to move."""


@dataclass
class Answer:
    """One response, as it arrived. Moments are on the monotonic clock, which all processes of a machine share."""

    id: str
    created: Seconds
    item: str = ""
    text: str = ""
    first_audio: Seconds | None = None
    last_audio: Seconds | None = None
    first_motion: Seconds | None = None
    """Arrival of the first mouth frames whose jaw moves."""
    done: Seconds | None = None
    status: str = ""
    reason: str = ""
    audio: bytearray = field(default_factory=bytearray)
    playout: Playout = field(default_factory=Playout)
    """The player: `JITTER` after the first audio it starts; audio that comes later than its turn is an underrun."""

    @property
    def seconds(self) -> Seconds:
        """Length of the audio that arrived."""
        return duration(self.audio, SPEECH_RATE)

    def hear(self, audio: bytes, now: Seconds) -> None:
        """Audio arrives."""
        if self.first_audio is None:
            self.first_audio = now
            self.playout.started = now + JITTER
        self.playout.send(duration(audio, SPEECH_RATE), now)
        self.last_audio = now
        self.audio += audio

    def see(self, frames: list[list[float]], now: Seconds) -> None:
        """Mouth frames arrive."""
        if self.first_motion is None and any(frame[JAW] > JAW_MOVES for frame in frames):
            self.first_motion = now


@dataclass
class Turn:
    """One question and what came of it."""

    question: Utterance
    asked: Seconds
    """When its first voiced frame was sent."""
    speech_end: Seconds | None = None
    """When the frame that ends with its last voiced sample was sent."""
    started: Seconds | None = None
    stopped: Seconds | None = None
    transcribed: Seconds | None = None
    heard: str = ""
    queued: bool = False
    """It waited for room on the server before it was begun."""
    answer: Answer | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    """The answer is over, or there will be none."""

    @property
    def fate(self) -> str:
        """What became of it, for the notes under a table."""
        said = f"{self.question.line.text!r}"
        if self.transcribed is None:
            return f"{said} was not transcribed" if self.stopped else f"{said} was not heard"
        if self.answer is None:
            return f"{said} was heard as {self.heard!r} and not answered"
        status = f"{self.answer.status} {self.answer.reason}".strip() or "not over"
        return f"{said} was heard as {self.heard!r}, its answer is {status} after {self.answer.seconds:.1f} s"


class Record:
    """Follows one session's events; each goes to the newest turn, or to the answer that it names."""

    def __init__(self) -> None:
        self.session = ""
        self.turns: list[Turn] = []
        self.answers: dict[str, Answer] = {}
        self.errors: list[str] = []
        self.strays: list[str] = []
        """Events about a response or an item that is not this session's."""

    def ask(self, question: Utterance, now: Seconds) -> Turn:
        """The caller begins to speak."""
        turn = Turn(question, now)
        self.turns.append(turn)
        return turn

    def take(self, event: events.Event, now: Seconds) -> None:
        """An event arrives."""
        match event:
            case events.SessionCreated():
                self.session = event.session.id
            case events.Error():
                self.errors.append(f"{event.error.code}: {event.error.message}")
            case events.ResponseCreated():
                self._created(event.response.id, now)
            case events.OutputItemAdded():
                if answer := self._answer(event.response_id, event.item.id):
                    answer.item = event.item.id
            case events.TranscriptDelta():
                if answer := self._answer(event.response_id, event.item_id):
                    answer.text += event.delta
            case events.AudioDelta():
                if answer := self._answer(event.response_id, event.item_id):
                    answer.hear(event.delta, now)
            case events.MouthDelta():
                if answer := self._answer(event.response_id, event.item_id):
                    answer.see(event.frames, now)
            case events.CapacityUpdated():
                if self.turns and event.position:
                    self.turns[-1].queued = True
            case events.ResponseDone():
                self._done(event.response, now)
            case events.SpeechStarted() | events.SpeechStopped() | events.Transcribed():
                if self.turns:
                    self._heard(self.turns[-1], event, now)

    def _heard(
        self, turn: Turn, event: events.SpeechStarted | events.SpeechStopped | events.Transcribed, now: Seconds
    ) -> None:
        match event:
            case events.SpeechStarted():
                turn.started = turn.started or now
            case events.SpeechStopped():
                turn.stopped = now  # the last one counts: a pause within the question may have stopped it before
            case events.Transcribed():
                turn.transcribed = now
                turn.heard = f"{turn.heard} {event.transcript}".strip()
                if turn.speech_end is not None and not event.transcript:
                    turn.finished.set()

    def _created(self, response: str, now: Seconds) -> None:
        answer = self.answers[response] = Answer(response, now)
        if self.turns:
            self.turns[-1].answer = answer

    def _done(self, response: events.Response, now: Seconds) -> None:
        answer = self._answer(response.id)
        if answer is None:
            return
        answer.done, answer.status = now, response.status
        answer.reason = response.status_details.reason if response.status_details else ""
        for turn in self.turns:
            if turn.answer is answer and turn.speech_end is not None:
                turn.finished.set()

    def _answer(self, response: str, item: str | None = None) -> Answer | None:
        answer = self.answers.get(response)
        if answer is None:
            self.strays.append(f"response {response} is not of session {self.session}")
        elif item and answer.item and item != answer.item:
            self.strays.append(f"item {item} is not of response {response}")
            answer = None
        return answer
