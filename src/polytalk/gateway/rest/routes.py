"""All requests that are no conversation, put together."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips.marks import mark_of
from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.auth import Auth, Handler
from polytalk.gateway.keys import Need
from polytalk.gateway.names import Names
from polytalk.gateway.rest.catalogue import Catalogue
from polytalk.gateway.rest.chat import Chat
from polytalk.gateway.rest.clip_jobs import ClipJobs
from polytalk.gateway.rest.errands import Errands, Uploads
from polytalk.gateway.rest.speech import Speaking
from polytalk.gateway.rest.transcriptions import Transcribing
from polytalk.gateway.rest.videos import Videos
from polytalk.gateway.status import Status
from polytalk.store.clips import Clips

ForPayer = Callable[[Request, Payer], Awaitable[Response]]


class Rest:
    """One a server."""

    def __init__(self, runtime: Runtime, auth: Auth, status: Status, clips: Clips) -> None:
        """Raises ConfigError for marking keys that can't be used."""
        names = Names(runtime)
        uploads = Uploads(runtime.settings.limits.uploads)
        mark = mark_of(runtime.settings)
        errands = Errands(runtime.dispatcher, runtime.gate)
        self._auth = auth
        self._status = status
        self._catalogue = Catalogue(runtime, names)
        self._chat = Chat(runtime, names, errands)
        self._speaking = Speaking(runtime, names, errands)
        self._transcribing = Transcribing(runtime, names, errands, uploads)
        self.jobs = ClipJobs(runtime, clips, mark, auth.payer)
        self._videos = Videos(runtime, names, uploads, clips, self.jobs, mark)

    def routes(self) -> list[Route]:
        """For the application."""
        guard, videos = self._auth.guard, self._videos
        one = "/v1/videos/{video}"
        return [
            Route("/v1/videos", guard("videos", videos.list)),
            Route("/v1/videos", guard("videos", self._open(videos.create)), methods=["POST"]),
            Route(one, guard("videos", videos.retrieve)),
            Route(one, guard("videos", videos.delete), methods=["DELETE"]),
            Route(f"{one}/content", guard("videos", videos.content)),
            Route("/v1/models", guard((), self._catalogue.models)),
            Route("/v1/models/{model}", guard((), self._catalogue.model)),
            Route("/v1/voices", guard((), self._catalogue.voices)),
            Route("/v1/chat/completions", self._work("chat", self._chat.create), methods=["POST"]),
            Route("/v1/audio/speech", self._work("audio", self._speaking.create), methods=["POST"]),
            Route("/v1/audio/transcriptions", self._work("audio", self._transcribing.create), methods=["POST"]),
            Route("/v1/audio/translations", self._work("audio", self._transcribing.translate), methods=["POST"]),
        ]

    def _work(self, need: Need, handle: ForPayer) -> Callable[[Request], Awaitable[Response]]:
        """For those who may, and while the server takes new work."""

        async def handler(request: Request) -> Response:
            return await handle(request, request.state.ration.payer)

        return self._auth.guard(need, self._open(handler))

    def _open(self, handle: Handler) -> Handler:
        """While the server takes new work."""

        async def handler(request: Request) -> Response:
            return self._status.refusal() or await handle(request)

        return handler
