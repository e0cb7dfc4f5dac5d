"""Which of a session's answers are films, and where they go: over the conversation's socket, or one of their own."""

from collections.abc import Callable

from msgspec.structs import replace

from polytalk.dialogue.events import DialogueEvent, ResponseFinished, ResponseStarted, Spoke
from polytalk.dialogue.faces.filming import FilmBegun, Filming, FilmKit, FilmOver, FilmPart, Shot
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import SessionSettings
from polytalk.gateway.realtime.avatar_options import Film, Protocol
from polytalk.gateway.realtime.media_line import MediaFeed, MediaFeeds
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.stage import Events
from polytalk.gateway.realtime.wires import Wire, event
from polytalk.media.fragments import FragmentWriter

PATH = "/v1/realtime/media"


class Screen(Events):
    """One connection's. An answer is a film as a whole, unless its socket goes away in the middle."""

    def __init__(self, kit: FilmKit, feeds: MediaFeeds | None, config: SessionConfig, outbox: Outbox) -> None:
        super().__init__(outbox)
        self._filming = Filming[bytes](kit, self._show, FragmentWriter)
        self._feeds = feeds
        self._config = config
        self._feed: MediaFeed | None = None
        self._filmed: str | None = None
        """The response that is a film …"""
        self._way: Protocol | None = None
        """… and how it is sent."""
        self._told: dict[str, int] = {}
        """Responses that are sound, from which mouth frame on."""
        self._mime = ""

    def open(self, session: Session) -> None:
        """The session begins."""

        def changed() -> None:
            session.configure(self.able(self._config.session))

        if self._feeds is not None:
            self._feed = self._feeds.open(session.id, changed)

    def close(self) -> None:
        """The session is over."""
        if self._feeds is not None and self._feed is not None:
            self._feeds.close(self._feed)

    async def run(self) -> None:
        """Encode, until cancelled."""
        await self._filming.run()

    @property
    def timed(self) -> bool:
        """While answers may be films."""
        return self._config.film is not None

    def able(self, settings: SessionSettings) -> SessionSettings:
        """See Stage."""
        return settings if self._on else super().able(settings)

    @property
    def _on(self) -> bool:
        film = self._config.film
        if film is None or self._filming.failed:
            return False
        return film.protocol == "websocket" or (self._feed is not None and self._feed.line is not None)

    def address(self) -> Wire | None:
        """Where the films of this session are to be had, when they have a socket of their own."""
        film = self._config.film
        if self._feed is None or film is None or film.protocol != "media":
            return None
        return {"url": f"{PATH}?session={self._feed.session}", "token": self._feed.token}

    def note(self, what: DialogueEvent) -> None:
        """Have an encoder ready for an answer that begins."""
        film = self._config.film
        if isinstance(what, ResponseStarted) and what.modality == "audio" and self._on and film is not None:
            self._filming.warm(film.encoding, film.video.fps)

    def take(self, spoke: Spoke) -> Spoke | None:
        """Film it, or give what is to be sent as sound instead."""
        film = self._config.film
        if self._on and film is not None and (self._goes_on(spoke, film) or self._begins(spoke, film)):
            self._filmed, self._way = spoke.response, film.protocol
            self._filming.add(spoke, film.encoding)
            return None
        if spoke.response not in self._told:
            self._told[spoke.response] = 0
            if spoke.response == self._filmed:  # its socket has gone: the rest of it begins here
                self._told[spoke.response] = spoke.first_frame
                self._break_off(spoke.response)
        return replace(spoke, first_frame=spoke.first_frame - self._told[spoke.response])

    def finish(self, what: ResponseFinished, tell: Callable[[], None]) -> None:
        """An answer is over: it is told after the last of its film, or, when it was broken off, at once."""
        self._told.pop(what.response, None)
        if what.response != self._filmed:
            tell()
        elif what.status == "cancelled":
            self._break_off(what.response)
            tell()
        else:
            self._filmed = None
            self._filming.end(what.response, what.item, tell)

    def _goes_on(self, spoke: Spoke, film: Film) -> bool:
        return spoke.response == self._filmed and film.protocol == self._way

    def _begins(self, spoke: Spoke, film: Film) -> bool:
        """Whether an answer is a film from here on: pictures of another size were drawn for settings that are gone."""
        pictures = spoke.pictures
        fits = pictures is not None and pictures.width == film.video.size
        return fits and spoke.response not in self._told and spoke.response != self._filmed

    def _break_off(self, response: str) -> None:
        """No more of a film is shown."""
        self._filmed = None
        self._filming.drop(response)
        if self._feed is not None and self._feed.line is not None:
            self._feed.line.flush(response)

    def _show(self, shot: Shot) -> None:
        if self._way == "websocket":
            self._outbox.put(self._wire(shot), shot.response)
        elif self._feed is not None and self._feed.line is not None:
            self._feed.line.show(shot)

    def _wire(self, shot: Shot) -> Wire:
        at = {"response_id": shot.response, "item_id": shot.item, "output_index": 0, "content_index": 0}
        match shot:
            case FilmBegun():
                self._mime = shot.mime
                return event("response.video.delta", **at, codec=shot.mime, delta=shot.init)
            case FilmPart():
                return event("response.video.delta", **at, codec=self._mime, delta=shot.data)
            case FilmOver():
                return event("response.video.done", **at)
