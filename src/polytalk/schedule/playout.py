"""A session's playout clock: what the listener has heard, and by when the next chunk must be there."""

from dataclasses import dataclass

from polytalk.types import Seconds


@dataclass(slots=True)
class Playout:
    """One response's audio timeline, from its first sample.

    The client plays what it was sent, in order, from the moment the first of it arrives; when it has run dry it
    waits (an underrun) and goes on where it stopped. Without reports from the client this estimate is all there is.
    """

    started: Seconds | None = None
    """The moment sample 0 is played, moved later by each underrun."""
    sent: Seconds = 0.0
    """Duration of the audio sent so far."""
    underruns: int = 0
    waited: Seconds = 0.0
    """Silence the listener heard because audio came late, summed."""

    def send(self, duration: Seconds, now: Seconds) -> None:
        """Account for audio that leaves now."""
        if self.started is None:
            self.started = now
        elif (late := now - self.deadline()) > 0:
            self.underruns += 1
            self.waited += late
            self.started += late
        self.sent += duration

    def deadline(self) -> Seconds:
        """When the next chunk's first sample is due. Only meaningful once started."""
        return (self.started or 0.0) + self.sent

    def heard(self, now: Seconds) -> Seconds:
        """How much of the response was played by now: never more than was sent."""
        return 0.0 if self.started is None else min(self.sent, max(0.0, now - self.started))

    def lead(self, now: Seconds) -> Seconds:
        """How much is sent and not yet played."""
        return self.sent - self.heard(now)

    def may_send_at(self, now: Seconds, max_lead: Seconds) -> Seconds:
        """The first moment, now or later, at which the lead is back within `max_lead`."""
        return now + max(0.0, self.lead(now) - max_lead)
