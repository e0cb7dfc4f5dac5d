"""Contenders under the same load at the same time: what disturbs one disturbs all, and a run takes no longer than one.

Only on the sleep model, which leaves the cores free. Peers have processes enough to fill the machine: each runs alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TypeVar

from bench.scheduler.contender import Contender, Machine
from bench.scheduler.servers import PEERS, Target, started
from bench.scheduler.spread import PEER_RUNS

T = TypeVar("T")
Settings = Mapping[str, Mapping[str, str]]


def servers(
    names: Sequence[str], machine: Machine, best: Settings, load: Callable[[Target, int], Awaitable[T]], runs: int
) -> dict[str, list[T]]:
    """`load(server, run)` of each run; `best` are a server's own settings."""
    found: dict[str, list[T]] = {name: [] for name in names}
    crowd = [name for name in names if name not in PEERS]
    for run in range(runs):
        groups = [crowd, *([name] for name in names if name in PEERS and run < PEER_RUNS)]
        for group in groups:
            with ExitStack() as stack:
                targets = [stack.enter_context(started(name, machine, best.get(name, {}))) for name in group]
                for name, result in zip(group, asyncio.run(_all(targets, load, run)), strict=True):
                    found[name].append(result)
    return found


async def _all(targets: Sequence[Target], load: Callable[[Target, int], Awaitable[T]], run: int) -> list[T]:
    results = await asyncio.gather(*(load(target, run) for target in targets))
    for target in targets:
        await target.http.close()
    return results


def in_process(
    makers: Mapping[str, Callable[[], Contender]], load: Callable[[Contender, int], Awaitable[T]], runs: int
) -> dict[str, list[T]]:
    """The same for contenders in this process."""

    async def once(run: int) -> list[T]:
        return await asyncio.gather(*(load(make(), run) for make in makers.values()))

    found: dict[str, list[T]] = {name: [] for name in makers}
    for run in range(runs):
        for name, result in zip(makers, asyncio.run(once(run)), strict=True):
            found[name].append(result)
    return found
