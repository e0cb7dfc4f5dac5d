"""How many sessions a gateway holds at once."""

import time

from starlette.responses import Response

from polytalk.errors import OverQuota, Shed
from polytalk.gateway.problems import problem
from polytalk.gateway.rations import Ration
from polytalk.schedule.admission import Places


class Door:
    """Counts places. Who may ask for one, `auth` says."""

    def __init__(self, places: int) -> None:
        self._places = Places(places)
        self._rations: dict[str, Ration] = {}

    @property
    def inside(self) -> int:
        """Sessions that hold a place."""
        return len(self._places.held)

    def enter(self, holder: str, ration: Ration) -> Response | None:
        """Take a place, of the server's and of the client's own; or the refusal that says when one may be free."""
        try:
            ration.enter(holder)
            self._rations[holder] = ration
            self._places.acquire(holder, time.monotonic())
        except OverQuota as error:
            return ration.refusal(error)
        except Shed as full:
            self.leave(holder)
            response = problem(503, full.message, full.code, "server_error")
            response.headers["retry-after"] = str(round(full.retry_after))
            return response
        return None

    def leave(self, holder: str) -> None:
        """Give the place back."""
        if (ration := self._rations.pop(holder, None)) is not None:
            ration.leave(holder)
        self._places.release(holder, time.monotonic())
