"""How much to measure."""

from msgspec import Struct

from polytalk.types import Seconds


class Plan(Struct, frozen=True):
    """Bounds of all figures; `QUICK` is for a first look."""

    runs: int = 5
    """Of each contender, taken in turn."""
    peers: bool = False
    """Measure other servers too, where they are installed."""
    turns: int = 20
    """Turns of one user in first_audio, each mode."""
    users: tuple[int, ...] = (1, 2, 4, 8)
    """Simultaneous speakers to try."""
    seconds: Seconds = 40.0
    """How long each number of speakers talks."""
    strays: int = 200
    """Turns in which no chunk may go astray."""
    stray_users: int = 20
    interruptions: int = 30
    """At each number of users, half by voice and half by response.cancel."""
    interrupters: tuple[int, ...] = (1, 4)
    questions: int = 8
    """Turns whose stages are measured apart."""

    @property
    def long_runs(self) -> int:
        """Of figures whose runs take a minute, on real models."""
        return (self.runs + 1) // 2


QUICK = Plan(
    runs=1,
    turns=3,
    users=(4,),
    seconds=15.0,
    strays=20,
    stray_users=10,
    interruptions=8,
    interrupters=(4,),
    questions=3,
)
