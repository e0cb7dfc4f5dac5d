"""Films of the server: from the first sound that arrives to the first picture in which the face has moved.

Beside it questions like these with the face drawn by the client, so that it shows what a film costs in first sound.
"""

import asyncio
import io
import json
import time
from typing import Any

import av
import numpy as np
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.plan import Plan
from bench.report import Figure, Row
from bench.server import Server, serving
from bench.stats import summary
from polytalk.media.boxes import samples
from polytalk.types import Seconds

MOVED = 0.1
"""Mean difference of a picture from the first one, of 255 shades, over the whole picture."""
PATIENCE: Seconds = 30.0
FACES = ("mira", "theo")
"""Whose first films are asked for as soon as the server is ready: the default's, then another's. Nothing is on disk."""


class Film(Struct):
    """One answer as it arrived."""

    asked: Seconds
    parts: list[tuple[Seconds, bytes]]
    """The init segment first."""

    def first(self, track: int) -> Seconds:
        """When the first of a track arrived."""
        return next(at for at, data in self.parts[1:] if any(part.track == track for part in samples(data)))

    def moved(self) -> Seconds:
        """When the first picture arrived that is another than the first."""
        film = b"".join(data for _, data in self.parts)
        with av.open(io.BytesIO(film), "r") as container:
            grey = [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]
        number = next(n for n, one in enumerate(grey) if np.abs(one - grey[0]).mean() > MOVED)
        for at, data in self.parts[1:]:
            number -= sum(part.track == 1 for part in samples(data))
            if number < 0:
                return at
        raise AssertionError("a picture that never arrived")


def measure(plan: Plan) -> Figure:
    """One user, `turns` questions each way."""
    with serving() as server:
        films, sounds = asyncio.run(_both(server, plan.turns))
    with serving({"CACHE__DISK_BYTES": "0"}) as server:
        first = [asyncio.run(asyncio.wait_for(_film(server, "Are you there?", who), PATIENCE)) for who in FACES]
    rows: list[Row] = [
        {"measured": "first sound → first picture, film", **summary([f.first(1) - f.first(2) for f in films])},
        {
            "measured": "first sound → first picture that moved, film",
            **summary([f.moved() - f.first(2) for f in films]),
        },
        {"measured": "question → first sound, film", **summary([f.first(2) - f.asked for f in films])},
        {"measured": "question → first sound, drawn by the client", **summary(sounds)},
    ]
    for who, film in zip(FACES, first, strict=True):
        rows += [
            {"measured": f"question → first sound, first film of {who} ever", **summary([film.first(2) - film.asked])},
            {
                "measured": f"first sound → first picture, first film of {who} ever",
                **summary([film.first(1) - film.first(2)]),
            },
        ]
    return Figure("first_frame", "First sound → first moving picture at the client", "≤ 40 ms", rows)


async def _both(server: Server, turns: int) -> tuple[list[Film], list[Seconds]]:
    films, sounds = [], []
    await asyncio.wait_for(_film(server, "Are you there?"), PATIENCE)  # processes that draw are started when needed
    for number in range(turns):
        # two questions that are alike: the second time the same one would come from the cache
        films.append(await asyncio.wait_for(_film(server, f"What is {number} plus two?"), PATIENCE))
        sounds.append(await asyncio.wait_for(_sound(server, f"What is {number} plus six?"), PATIENCE))
    return films, sounds


async def _film(server: Server, question: str, avatar: str = "mira") -> Film:
    async with connect(f"{server.url}/v1/realtime?model={avatar}", max_size=None) as call:
        await _send(call, "session.update", session={"type": "realtime", "avatar": {"output_protocol": "media"}})
        where = (await _until(call, "session.updated"))["session"]["avatar"]["media"]
        offered = [Subprotocol("polytalk.media"), Subprotocol(f"polytalk.token.{where['token']}")]
        async with connect(f"{server.url}{where['url']}", subprotocols=offered, max_size=None) as media:
            film = Film(await _ask(call, question), [])
            while True:
                frame = await media.recv()
                if isinstance(frame, bytes):
                    film.parts.append((time.monotonic(), frame))
                elif json.loads(frame)["type"] == "media.end":
                    return film


async def _sound(server: Server, question: str) -> Seconds:
    async with connect(f"{server.url}/v1/realtime", max_size=None) as call:
        await _send(call, "session.update", session={"type": "realtime", "avatar": {}})
        asked = await _ask(call, question)
        await _until(call, "response.output_audio.delta")
        first = time.monotonic() - asked
        await _until(call, "response.done")
        return first


async def _ask(call: ClientConnection, question: str) -> Seconds:
    content = [{"type": "input_text", "text": question}]
    await _send(call, "conversation.item.create", item={"type": "message", "role": "user", "content": content})
    await _send(call, "response.create")
    return time.monotonic()


async def _send(call: ClientConnection, kind: str, **fields: Any) -> None:
    await call.send(json.dumps({"type": kind, **fields}))


async def _until(call: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = json.loads(await call.recv())
        if event["type"] == kind:
            return event
