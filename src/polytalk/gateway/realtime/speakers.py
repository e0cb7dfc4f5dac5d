"""The audio of one connection's answers, each in the format that was asked for when it began."""

from collections.abc import Iterator

from msgspec.structs import replace

from polytalk.dialogue.events import DialogueEvent, OutputDone, ResponseFinished, ResponseStarted, Spoke
from polytalk.gateway.realtime.formats import Format, Loudspeaker
from polytalk.gateway.realtime.server_events import Translator
from polytalk.gateway.realtime.wires import Wire


class Speakers:
    """By response."""

    def __init__(self) -> None:
        self._open: dict[str, Loudspeaker] = {}

    def begin(self, response: str, coding: Format) -> None:
        """An answer begins."""
        self._open[response] = Loudspeaker(coding)

    def encoded(self, what: DialogueEvent, translator: Translator) -> Iterator[Wire]:
        """An event's wires, with audio in its answer's format. What the coder held back comes before the item ends."""
        if isinstance(what, ResponseStarted):
            yield from translator.translate(what, self._open[what.response].coding)
            return
        if isinstance(what, Spoke):
            what = replace(what, audio=self._open[what.response].encode(what.audio))
        elif isinstance(what, OutputDone) and what.item.spoken and what.item.status == "completed":
            rest = self._open[what.response].finish()
            if rest:
                yield from translator.translate(Spoke(what.response, what.item.id, rest, b"", 0))
        elif isinstance(what, ResponseFinished):
            self._open.pop(what.response, None)
        yield from translator.translate(what)
