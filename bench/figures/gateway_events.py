"""What a second of a session costs in events alone, beside json and base64 as they come with Python.

A microphone's frames of 20 ms are read, an answer's slices of 200 ms written.
"""

import base64
import json
import timeit
from collections.abc import Callable

import numpy as np

from bench.plan import Plan
from bench.report import Figure, Row
from polytalk.gateway.realtime import client_events
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.types import SPEECH_RATE

FRAMES, SLICES = 50, 5
"""A second."""
REPEATS = 2_000


def measure(plan: Plan) -> Figure:
    """CPU microseconds of a session's second."""
    noise = np.random.default_rng(0).integers(-9_000, 9_000, SPEECH_RATE, np.int16).tobytes()
    heard = base64.b64encode(noise[: len(noise) // FRAMES]).decode()
    append = json.dumps({"type": "input_audio_buffer.append", "audio": heard})
    said = noise[: len(noise) // SLICES]
    outbox = Outbox(10, 1 << 20)

    def ours_out() -> None:
        delta = base64.b64encode(said).decode()
        outbox.put({"type": "response.output_audio.delta", "event_id": "event_1", "delta": delta})
        outbox._events.clear()  # a client that reads at once

    def plain_in() -> None:
        base64.b64decode(json.loads(append)["audio"])

    def plain_out() -> None:
        json.dumps({"type": "response.output_audio.delta", "delta": base64.b64encode(said).decode()})

    ways: dict[str, tuple[Callable[[], object], Callable[[], object], int]] = {
        "read the microphone": (lambda: client_events.decode(append), plain_in, FRAMES),
        "write the answer": (ours_out, plain_out, SLICES),
    }
    rows: list[Row] = []
    for what, (ours, plain, count) in ways.items():
        took = [_least(way, plan.runs) * count * 1e6 for way in (ours, plain)]
        rows.append({"what": what, "µs": round(took[0]), "json + base64, µs": round(took[1])})
    title = "CPU of a session's second, in events alone"
    return Figure("gateway_events", title, "less than json and base64", rows)


def _least(way: Callable[[], object], runs: int) -> float:
    """Seconds of one call; the least of the runs is the one that others disturbed least."""
    return min(timeit.repeat(way, number=REPEATS, repeat=max(3, runs))) / REPEATS
