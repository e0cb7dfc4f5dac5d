"""How many sessions a gateway holds at once."""

import time

from starlette.responses import Response

from polytalk.errors import Shed
from polytalk.gateway.problems import problem
from polytalk.schedule.admission import Places


class Door:
    """Counts places. Who may ask for one, `auth` says."""

    def __init__(self, places: int) -> None:
        self._places = Places(places)

    @property
    def inside(self) -> int:
        """Sessions that hold a place."""
        return len(self._places.held)

    def enter(self, holder: str) -> Response | None:
        """Take a place, or the refusal that says when one may be free."""
        try:
            self._places.acquire(holder, time.monotonic())
        except Shed as full:
            response = problem(503, full.message, full.code, "server_error")
            response.headers["retry-after"] = str(round(full.retry_after))
            return response
        return None

    def leave(self, holder: str) -> None:
        """Give the place back."""
        self._places.release(holder, time.monotonic())
