"""What this process is doing: starting, ready, or going away."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse

from polytalk.gateway.problems import problem
from polytalk.worker.group import Progress


class Status:
    """Filled by whoever starts the process, read by load balancers and by the page."""

    def __init__(self) -> None:
        self.ready = False
        self.draining = False
        self._engines: dict[str, str] = {}
        self.store: Callable[[], str | None] = lambda: None
        """What is wrong with the database; None when nothing is."""
        self.store_opened: Callable[[], bool] = lambda: True

    def report(self, progress: Progress) -> None:
        """An engine got one step further."""
        self._engines[progress.engine] = progress.step

    def refusal(self) -> JSONResponse | None:
        """What is answered to new work while the process starts or leaves."""
        if self.ready and not self.draining:
            return None
        word = "stopping" if self.draining else "still starting"
        answer = problem(503, f"the server is {word}; try again soon", "not_ready", "server_error")
        answer.headers["retry-after"] = "5"
        return answer

    async def readyz(self, _: Request) -> JSONResponse:
        """200 when every engine has answered once, the store was opened and the process is not leaving, else 503.

        A database that is lost later is told here, and no reason to send clients elsewhere: it is lost there, too.
        """
        begun = self.ready and self.store_opened()
        word = "draining" if self.draining else "ready" if begun else "starting"
        store = self.store() or "ok"
        return JSONResponse({"status": word, "engines": self._engines, "store": store}, 200 if word == "ready" else 503)
