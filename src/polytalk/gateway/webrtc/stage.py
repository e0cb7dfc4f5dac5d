"""A call's stage: answers are heard and seen on its tracks, and the client is told when that begins and ends."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from polytalk.clock import Clock
from polytalk.dialogue.events import DialogueEvent, ResponseFinished, ResponseStarted, SpeechStarted, Spoke
from polytalk.dialogue.faces.face import Painter
from polytalk.dialogue.faces.filming import FilmBegun, Filming, FilmKit, FilmOver, FilmPart
from polytalk.dialogue.faces.resting import Face, Resting
from polytalk.dialogue.metronome import Metronome
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.stage import Events
from polytalk.gateway.realtime.wires import event
from polytalk.gateway.webrtc.buffer import Change, Cut, OutputBuffer
from polytalk.gateway.webrtc.cast import Cast
from polytalk.gateway.webrtc.projector import Projector
from polytalk.media.fragments import Encoding
from polytalk.media.labels import VisibleLabel
from polytalk.media.units import Unit, UnitWriter
from polytalk.schedule.congestion import Quality
from polytalk.schedule.demand import SLOWER

Units = tuple[Unit, ...]


class CallStage(Events):
    """One call's."""

    def __init__(
        self,
        kit: FilmKit,
        resting: Resting,
        painter: Callable[[str], Painter],
        digest: Callable[[str], str],
        metronome: Metronome,
        clock: Clock,
        config: SessionConfig,
    ) -> None:
        """By avatar, `painter` says who draws it and `digest` of which files."""
        self._resting = resting
        self._painter = painter
        self._digest = digest
        self._config = config
        self._session: Session | None = None
        self._writer: UnitWriter | None = None
        self._quality = Quality.FULL
        self._filming = Filming[Units](kit, self._show, self._write)
        self._buffer = OutputBuffer(self._told)
        self._projector = Projector()
        self.cast = Cast(self._buffer, self._projector, metronome, clock, self._key)

    def to(self, outbox: Outbox) -> "CallStage":
        """This stage, with the way that events take."""
        self._outbox = outbox
        return self

    @property
    def _on(self) -> bool:
        return self._config.film is not None and self.cast.watched and not self._filming.failed

    def able(self, settings: SessionSettings) -> SessionSettings:
        """See Stage; and fewer pictures where the caller's network bears no more."""
        if not self._on or settings.video is None:
            return replace(settings, video=None)
        return replace(settings, video=replace(settings.video, fps=self._rate(settings.video.fps)))

    def bear(self, quality: Quality) -> None:
        """What the caller's network bears from the next turn on. Viewers see what the caller is sent."""
        self._quality = quality
        if self._session is not None:
            self._session.configure(self.able(self._config.session))

    def _rate(self, fps: float) -> float:
        return min(fps, SLOWER) if self._quality is Quality.SLOWER else fps

    @property
    def timed(self) -> bool:
        """For those who asked for more than the published events."""
        return self._config.avatar.told

    def open(self, session: Session) -> None:
        """The session begins."""
        self._session = session

    async def run(self) -> None:
        """Play, and encode, until cancelled."""
        await asyncio.gather(self.cast.run(), self._filming.run(), self._rest())

    def take(self, spoke: Spoke) -> Spoke | None:
        """All of it is played; what is left for events is the mouth, for a client that draws."""
        self._buffer.add(spoke.response, spoke.item, spoke.audio)
        film = self._config.film
        if spoke.pictures is not None and film is not None and spoke.pictures.width == film.video.size:
            self._filming.add(replace(spoke, audio=b"", mouth=b""), film.encoding)
        return replace(spoke, audio=b"", pictures=None) if spoke.mouth else None

    def note(self, what: DialogueEvent) -> None:
        """Who speaks into the last words of an answer that was given already interrupts these, too."""
        film = self._config.film
        if isinstance(what, ResponseStarted) and what.modality == "audio" and self._on and film is not None:
            self._filming.warm(film.encoding, self._rate(film.video.fps))
        if isinstance(what, SpeechStarted) and self._buffer.complete:
            detection = self._config.session.turn_detection
            if detection is not None and detection.interrupt_response:
                self._cut(self._buffer.clear(), history=True)

    def finish(self, what: ResponseFinished, tell: Callable[[], None]) -> None:
        """What is here of an answer is played to its end, but nothing more of one that was broken off."""
        self._filming.end(what.response, what.item, lambda: None)
        if what.status != "cancelled":
            self._buffer.end(what.response)
            tell()
            return
        self._filming.drop(what.response)
        cuts = self._buffer.clear()
        tell()
        self._cut(cuts, history=False)

    async def clear(self) -> None:
        """Cut off what is heard, and end the answer that it belongs to."""
        session = self._session
        if session is not None and session.responding:
            await session.cancel()
        self._cut(self._buffer.clear(), history=True)

    def _cut(self, cuts: list[Cut], *, history: bool) -> None:
        """`history`: the session does not know yet that not all of it was heard."""
        assert self._session is not None
        for cut in cuts:
            self._projector.drop(cut.response)
            heard = round(cut.heard * 1000)
            if not history:
                told = event("conversation.item.truncated", item_id=cut.item, content_index=0, audio_end_ms=heard)
                self._outbox.put(told)
                continue
            with suppress(BadInput):  # the client has deleted it
                self._session.truncate(cut.item, cut.heard)

    def _told(self, change: Change, response: str) -> None:
        self._outbox.put(event(f"output_audio_buffer.{change}", response_id=response))

    # --- pictures ------------------------------------------------------------------------------------------------

    async def _rest(self) -> None:
        """Show the face at rest of whoever the session's avatar is."""
        shown: Face | None = None
        while True:
            film, avatar = self._config.film, self._config.session.avatar
            if film is not None and self.cast.watched:
                face = Face(avatar, self._digest(avatar), film.encoding)
                if face != shown:
                    shown = face
                    self._projector.rest(self._resting.reel(face, self._painter(avatar)))
            await asyncio.sleep(0.5)

    def _key(self) -> None:
        if self._writer is not None:
            self._writer.wants_key = True

    def _write(self, encoding: Encoding, fps: float, tags: Mapping[str, str], label: VisibleLabel | None) -> UnitWriter:
        self._writer = UnitWriter(encoding, fps, tags, label)
        return self._writer

    def _show(self, shot: "FilmBegun | FilmPart[Any] | FilmOver") -> None:
        if isinstance(shot, FilmPart):
            self._projector.add(shot.response, shot.data)
