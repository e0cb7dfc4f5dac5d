"""Which of a session's answers are films, and where they go: over the conversation's socket, or one of their own."""

from collections.abc import Callable

from msgspec.structs import replace

from polytalk.dialogue.events import DialogueEvent, ResponseFinished, ResponseStarted, Spoke
from polytalk.dialogue.filming import FilmBegun, Filming, FilmKit, FilmOver, FilmPart, Shot
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import SessionSettings
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
        """The response that is a film."""
        self._told: str | None = None
        """The response that is sound …"""
        self._from = 0
        """… from this mouth frame on."""
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
        begins = spoke.pictures is not None and spoke.response != self._told
        if self._on and film is not None and (spoke.response == self._filmed or begins):
            self._filmed = spoke.response
            self._filming.add(spoke, film.encoding)
            return None
        if spoke.response != self._told:
            self._told, self._from = spoke.response, 0
            if spoke.response == self._filmed:  # its socket has gone: the rest of it begins here
                self._filmed, self._from = None, spoke.first_frame
        return replace(spoke, first_frame=spoke.first_frame - self._from)

    def finish(self, what: ResponseFinished, tell: Callable[[], None]) -> None:
        """An answer is over: it is told after the last of its film, or, when it was broken off, at once."""
        if what.response != self._filmed:
            tell()
            return
        self._filmed = None
        if what.status == "cancelled":
            self._filming.drop(what.response)
            if self._feed is not None and self._feed.line is not None:
                self._feed.line.flush(what.response)
            tell()
        else:
            self._filming.end(what.response, what.item, tell)

    def _show(self, shot: Shot) -> None:
        film = self._config.film
        if film is not None and film.protocol == "websocket":
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
