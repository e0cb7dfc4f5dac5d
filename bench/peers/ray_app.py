# mypy: ignore-errors
"""The sleep model in Ray Serve: `python ray_app.py PORT`, in its own environment.

A replica is a slot. Each stage has its own `serve.batch`; a lock keeps a replica at one batch at a time.
"""

import asyncio
import sys
import time

import ray
from model import BATCH_WAIT, LIMIT, MAX_BATCH, SLOTS, total
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

batch = serve.batch(max_batch_size=MAX_BATCH, batch_wait_timeout_s=BATCH_WAIT)


@serve.deployment(
    num_replicas=SLOTS,
    max_ongoing_requests=LIMIT // SLOTS if LIMIT else 4 * MAX_BATCH,
    max_queued_requests=LIMIT or -1,
    ray_actor_options={"num_cpus": 0},
)
class Sleep:
    def __init__(self):
        self.slot = asyncio.Lock()

    async def compute(self, stage, units):
        async with self.slot:
            took = total([(stage, one) for one in units])
            await asyncio.sleep(took)
            return [took] * len(units)

    @batch
    async def item(self, units):
        return await self.compute("item", units)

    @batch
    async def listen(self, units):
        return await self.compute("listen", units)

    @batch
    async def think(self, units):
        return await self.compute("think", units)

    @batch
    async def speak(self, units):
        return await self.compute("speak", units)

    async def __call__(self, request: Request):
        work = await request.json()
        return JSONResponse({"took": await getattr(self, work["stage"])(work["units"])})


if __name__ == "__main__":
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 << 20,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Sleep.bind(), route_prefix="/run")
    while True:
        time.sleep(3600)
