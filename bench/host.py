"""`python -m bench.host serve`: the server as it is, with a broker that notes what every job went through.

Clients see when answers arrive; only the broker sees when a job was asked for, taken and answered. Its notes go to
the file in BENCH_JOBS, in moments of the monotonic clock that client and server share. With BENCH_ORDER=fifo it serves
by arrival and admits everybody, to be compared with itself.
"""

import os
import time
from pathlib import Path
from unittest.mock import patch

import msgspec
from msgspec import Struct

from polytalk.broker.memory import MemoryBroker
from polytalk.types import Chunk, Job, Seconds, Stage


class JobNote(Struct):
    """One job's way."""

    id: str
    stage: Stage
    session: str
    turn: str
    created: Seconds
    first: Seconds = 0.0
    """Its first result was there."""
    final: Seconds = 0.0
    queued: Seconds = 0.0
    """Waited so long for its engine."""
    computed: Seconds = 0.0


class NotingBroker(MemoryBroker):
    """Writes a job's note at its first result and again at its last; jobs cancelled before leave none."""

    def __init__(self, max_queue: int) -> None:
        super().__init__(max_queue)
        self._file = Path(os.environ["BENCH_JOBS"]).open("w", buffering=1)  # noqa: SIM115 - as long as the process
        self._notes: dict[str, JobNote] = {}

    async def publish(self, job: Job) -> None:
        """See Broker."""
        self._notes[job.id] = JobNote(job.id, job.stage, job.session, job.turn, job.created)
        await super().publish(job)

    async def reply(self, chunk: Chunk) -> None:
        """See Broker."""
        await super().reply(chunk)
        note = self._notes.get(chunk.job)
        if note is None:
            return
        if note.first and not chunk.final:
            return
        now = time.monotonic()
        note.first = note.first or now
        note.queued, note.computed = chunk.queued, chunk.computed
        if chunk.final:
            note.final = now
            del self._notes[chunk.job]
        self._file.write(msgspec.json.encode(note).decode() + "\n")

    async def done(self, job: Job) -> None:
        """See Broker."""
        await super().done(job)
        if not self.alive(job):
            self._notes.pop(job.id, None)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def read_notes(path: Path) -> list[JobNote]:
    """The notes so far, the last of each job, in the order of their first results."""
    notes = msgspec.json.decode(f"[{','.join(path.read_text().splitlines())}]", type=list[JobNote])
    return list({note.id: note for note in notes}.values())


if __name__ == "__main__":
    from bench.scheduler.orders import replaced
    from polytalk.cli.main import main

    fifo = os.environ.get("BENCH_ORDER") == "fifo"
    with patch("polytalk.dialogue.runtime.MemoryBroker", NotingBroker), replaced(order=fifo, admission=fifo):
        main()
