"""What holds of every call, whatever was said and interrupted in it."""

from polytalk.dialogue.events import (
    Committed,
    OutputAdded,
    OutputDone,
    ResponseFinished,
    ResponseStarted,
    Said,
    SpeechStarted,
    Spoke,
    Transcribed,
    TranscriptionFailed,
)
from polytalk.dialogue.faces.face import FRAME_BYTES
from polytalk.media.pcm import duration
from polytalk.types import MOUTH_PARAMS, SPEECH_RATE, Seconds
from tests.support.scene import Caller
from tests.support.sound import mouth_of

SLACK: Seconds = 1e-6
"""Virtual time has microseconds."""


def check(caller: Caller) -> None:
    """Assert all of them."""
    answers_come_one_at_a_time_and_end_once(caller)
    nothing_stale_follows_the_user(caller)
    audio_never_runs_ahead(caller)
    mouths_match_audio(caller)
    words_are_of_utterances(caller)


def answers_come_one_at_a_time_and_end_once(caller: Caller) -> None:
    """Everything of an answer lies between its start and its end."""
    underway: ResponseStarted | None = None
    begun: list[str] = []
    for event in caller.events:
        match event:
            case ResponseStarted():
                assert underway is None
                underway = event
            case OutputAdded():
                assert underway is not None
                assert event.response == underway.response
                begun.append(event.item.id)
            case Said() | Spoke():
                assert underway is not None
                assert event.response == underway.response
                assert event.item == begun[-1]
            case OutputDone():
                begun.remove(event.item.id)
            case ResponseFinished():
                assert underway is not None
                assert event.response == underway.response
                assert not begun
                underway = None


def nothing_stale_follows_the_user(caller: Caller) -> None:
    """When the user interrupts, all that follows of the answer is its end, and at once."""
    detection = caller.session.settings.turn_detection
    if detection is None or not detection.interrupt_response:
        return
    underway: str | None = None
    interrupted_at: Seconds | None = None
    for at, event in caller.log:
        match event:
            case ResponseStarted():
                underway, interrupted_at = event.response, None
            case SpeechStarted() if underway is not None:
                interrupted_at = at
            case ResponseFinished():
                assert interrupted_at in (None, at)
                underway = None
            case Said() | Spoke():
                assert interrupted_at is None


def audio_never_runs_ahead(caller: Caller) -> None:
    """No more audio is on its way than `send_lead`."""
    played_until: dict[str, Seconds] = {}
    for at, event in caller.log:
        if isinstance(event, Spoke):
            until = max(at, played_until.get(event.response, at)) + duration(event.audio, SPEECH_RATE)
            assert until - at <= caller.bounds.send_lead + SLACK
            played_until[event.response] = until


def mouths_match_audio(caller: Caller) -> None:
    """Each piece has the mouth of exactly its audio, numbered without a gap from the answer's first sample."""
    frames: dict[str, int] = {}
    for spoke in caller.all(Spoke):
        assert spoke.audio
        assert len(spoke.audio) % FRAME_BYTES == 0
        assert spoke.first_frame == frames.get(spoke.response, 0)
        frames[spoke.response] = spoke.first_frame + len(spoke.audio) // FRAME_BYTES
        if spoke.mouth:
            assert len(spoke.mouth) == len(spoke.audio) // FRAME_BYTES * len(MOUTH_PARAMS)
            assert spoke.mouth == mouth_of(spoke.audio)


def words_are_of_utterances(caller: Caller) -> None:
    """Every transcript belongs to an item committed before, and each item has one at most."""
    committed: list[str] = []
    heard: list[str] = []
    for event in caller.events:
        match event:
            case Committed():
                committed.append(event.item)
            case Transcribed() | TranscriptionFailed():
                assert event.item in committed
                heard.append(event.item)
    assert len(set(committed)) == len(committed)
    assert len(set(heard)) == len(heard)
