"""Events on their way to one client."""

import asyncio
import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from polytalk.gateway.realtime.outbox import Outbox


def numbered(n: int) -> dict[str, int]:
    return {"n": n}


async def drained(outbox: Outbox, count: int) -> list[int]:
    return [json.loads(await outbox.get())["n"] for _ in range(count)]


async def test_events_leave_in_order() -> None:
    outbox = Outbox(10, 10_000)
    for n in range(5):
        outbox.put(numbered(n))
    assert await drained(outbox, 5) == [0, 1, 2, 3, 4]


async def test_the_writer_waits_for_an_event() -> None:
    outbox = Outbox(10, 10_000)
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put(numbered(7))
    assert json.loads(await waiting) == {"n": 7}


async def test_bytes_leave_as_base64() -> None:
    outbox = Outbox(10, 10_000)
    outbox.put({"delta": b"\x01\x02"})
    assert json.loads(await outbox.get()) == {"delta": base64.b64encode(b"\x01\x02").decode()}


@given(st.lists(st.sampled_from([None, "mine", "other"]), max_size=20))
async def test_only_the_media_of_the_response_is_taken_back(kinds: list[str | None]) -> None:
    outbox = Outbox(100, 10_000)
    for n, kind in enumerate(kinds):
        outbox.put(numbered(n), kind)
    assert outbox.revoke("mine") == kinds.count("mine")
    kept = [n for n, kind in enumerate(kinds) if kind != "mine"]
    assert await drained(outbox, len(kept)) == kept
    assert outbox.revoke("mine") == 0


async def test_a_full_outbox_says_so_and_takes_no_more() -> None:
    outbox = Outbox(2, 10_000)
    for n in range(2):
        outbox.put(numbered(n))
    assert not outbox.overflowed.is_set()
    outbox.put(numbered(2))
    assert outbox.overflowed.is_set()
    assert await drained(outbox, 2) == [0, 1]


async def test_what_is_taken_back_makes_room() -> None:
    outbox = Outbox(2, 10_000)
    outbox.put(numbered(0), "mine")
    outbox.put(numbered(1), "mine")
    outbox.revoke("mine")
    outbox.put(numbered(2))
    assert not outbox.overflowed.is_set()
    assert await drained(outbox, 1) == [2]


async def test_an_outbox_is_full_too_when_its_events_are_large() -> None:
    outbox = Outbox(100, 30)
    outbox.put({"n": "x" * 100})  # whatever its size, one goes out
    assert not outbox.overflowed.is_set()
    outbox.put(numbered(1))
    assert outbox.overflowed.is_set()
    await outbox.get()
    for n in range(3):
        outbox.put(numbered(n), "mine")
    outbox.revoke("mine")
    for n in range(3):
        outbox.put(numbered(n))
    assert await drained(outbox, 3) == [0, 1, 2]
