"""What this process is doing: starting, ready, or going away."""

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
        """200 when every engine has answered once and the process is not leaving, else 503."""
        serving = self.ready and not self.draining
        word = "draining" if self.draining else "ready" if self.ready else "starting"
        return JSONResponse({"status": word, "engines": self._engines}, 200 if serving else 503)
