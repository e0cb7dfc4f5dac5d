# mypy: ignore-errors
"""The sleep model in BentoML: `bentoml serve bentoml_app:Sleep`, in its own environment.

A worker process is a slot. Each stage is a batchable API, whose adaptive batching is BentoML's own; a lock keeps a
worker at one batch at a time.
"""

import os
import threading

import bentoml
from model import LIMIT, MAX_BATCH, SLOTS, compute

LATENCY_MS = int(os.environ.get("MODEL_LATENCY_MS", "60000"))
TRAFFIC = {"timeout": 60, "max_concurrency": LIMIT} if LIMIT else {"timeout": 60}
slot = threading.Lock()


def run(stage, units):
    with slot:
        return compute([(stage, one) for one in units])


@bentoml.service(workers=SLOTS, traffic=TRAFFIC, logging={"access": {"enabled": False}})
class Sleep:
    @bentoml.api(route="/item", batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=LATENCY_MS)
    def item(self, units: list[float]) -> list[float]:
        return run("item", units)

    @bentoml.api(route="/listen", batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=LATENCY_MS)
    def listen(self, units: list[float]) -> list[float]:
        return run("listen", units)

    @bentoml.api(route="/think", batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=LATENCY_MS)
    def think(self, units: list[float]) -> list[float]:
        return run("think", units)

    @bentoml.api(route="/speak", batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=LATENCY_MS)
    def speak(self, units: list[float]) -> list[float]:
        return run("speak", units)
