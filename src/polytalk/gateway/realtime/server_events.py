"""What the dialogue says, in the protocol's words. Pure: one dialogue event in, wire events out."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from polytalk.dialogue import events
from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.ids import new_id
from polytalk.errors import BadInput
from polytalk.gateway.realtime.avatar_options import AvatarOptions
from polytalk.gateway.realtime.formats import Format
from polytalk.gateway.realtime.items import item_object
from polytalk.gateway.realtime.response import Response
from polytalk.gateway.realtime.wires import Wire, error_event, event

AnswerEvent: TypeAlias = (
    events.OutputAdded | events.Called | events.Said | events.Spoke | events.OutputDone | events.ResponseFinished
)


class Translator:
    """Follows one session's events; knows what of each response is open."""

    def __init__(
        self,
        conversation: Conversation,
        options: Callable[[], AvatarOptions] = AvatarOptions,
        rates: Callable[[], Sequence[Wire]] = tuple,
    ) -> None:
        """`options`: what the client wants of a face; `rates`: how much it may still ask for."""
        self._conversation = conversation
        self._conversation_id = new_id("conv")
        self._options = options
        self._rates = rates
        self._open: dict[str, Response] = {}

    def translate(self, what: events.DialogueEvent, coding: Format = "audio/pcm") -> Iterator[Wire]:
        """The wire events that one dialogue event becomes, in order. `coding`: of the answer that begins."""
        match what:
            case events.ResponseStarted():
                yield from self._started(what, coding)
            case events.SpeechStarted():
                yield event("input_audio_buffer.speech_started", item_id=what.item, audio_start_ms=what.at)
            case events.SpeechStopped():
                yield event("input_audio_buffer.speech_stopped", item_id=what.item, audio_end_ms=what.at)
            case events.TimedOut():
                yield event(
                    "input_audio_buffer.timeout_triggered",
                    item_id=what.item,
                    audio_start_ms=what.start,
                    audio_end_ms=what.end,
                )
            case events.Committed():
                yield event("input_audio_buffer.committed", item_id=what.item, previous_item_id=what.previous)
            case events.ItemAdded():
                yield from self._added(self._conversation.get(what.item), what.previous)
            case events.Transcribed() | events.TranscriptionFailed():
                yield from transcribed(what)
            case events.ItemTruncated():
                yield event("conversation.item.truncated", item_id=what.item, content_index=0, audio_end_ms=what.heard)
            case events.Capacity():
                yield event(
                    "session.capacity.updated",
                    position=what.position,
                    expected_wait_ms=round(what.wait * 1000),
                    face=what.face,
                    fps=what.fps,
                )
            case events.Trouble():
                yield error_event(BadInput(what.message, code=what.code))
            case _:
                yield from self._response(what)

    def _response(self, what: AnswerEvent) -> Iterator[Wire]:
        match what:
            case events.OutputAdded():
                yield from self._open[what.response].added(what)
            case events.Called():
                yield from self._open[what.response].called(what)
            case events.Said():
                yield from self._open[what.response].said(what)
            case events.Spoke():
                yield from self._open[what.response].spoke(what)
            case events.OutputDone():
                yield from self._open[what.response].done(what.item)
            case events.ResponseFinished():
                yield event("response.done", response=self._open.pop(what.response).shown(what))

    def _started(self, what: events.ResponseStarted, coding: Format) -> Iterator[Wire]:
        conversation = None if what.aside else self._conversation_id
        response = self._open[what.response] = Response(what, conversation, self._options(), coding)
        yield event("response.created", response=response.shown())
        yield event("rate_limits.updated", rate_limits=[*self._rates()])

    def _added(self, item: Item, previous: str | None) -> Iterator[Wire]:
        shown = item_object(item)
        yield event("conversation.item.added", item=shown, previous_item_id=previous)
        if item.status == "completed":
            yield event("conversation.item.done", item=shown, previous_item_id=previous)


def transcribed(what: events.Transcribed | events.TranscriptionFailed) -> Iterator[Wire]:
    """What was said, or why that is not known."""
    kind, at = "conversation.item.input_audio_transcription", {"item_id": what.item, "content_index": 0}
    if isinstance(what, events.TranscriptionFailed):
        error = {"type": "server_error", "code": what.code, "message": what.message}
        yield event(f"{kind}.failed", **at, error=error)
        return
    if what.text:
        yield event(f"{kind}.delta", **at, delta=what.text)
    usage = {"type": "duration", "seconds": round(what.seconds, 3)}
    yield event(f"{kind}.completed", **at, transcript=what.text, usage=usage)
