"""A call's line: what a flood does, and what waits for a client that reads slowly."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiortc import RTCDataChannel

from polytalk.gateway.realtime.line import Heard, LineLost
from polytalk.gateway.webrtc.line import CHANNEL, MOST_BUFFERED, MOST_FRAMES, CallLine


class Channel:
    """What the line needs of a data channel; nothing leaves it until it is read."""

    def __init__(self, label: str = CHANNEL) -> None:
        self.label = label
        self.bufferedAmount = self.bufferedAmountLowThreshold = 0
        self.sent: list[str] = []
        self.closed = False
        self.hooks: dict[str, Callable[..., Any]] = {}

    def on(self, event: str, hook: Callable[..., Any]) -> None:
        self.hooks[event] = hook

    def send(self, text: str) -> None:
        self.sent.append(text)
        self.bufferedAmount += len(text)

    def close(self) -> None:
        self.closed = True

    def read(self) -> None:
        self.bufferedAmount = 0
        self.hooks["bufferedamountlow"]()


def opened(line: CallLine, label: str = CHANNEL) -> Channel:
    channel = Channel(label)
    line.open(cast(RTCDataChannel, channel))
    return channel


async def test_frames_come_in_the_order_in_which_they_came_whatever_they_are() -> None:
    line = CallLine(events=True)
    channel = opened(line)
    channel.hooks["message"]("{}")
    line.hear(b"\0\0")
    channel.hooks["message"](b"binary")
    assert [await line.receive() for _ in range(3)] == ["{}", Heard(b"\0\0"), b"binary"]


async def test_sound_that_a_session_can_not_keep_up_with_is_left_out_and_a_flood_of_events_ends_the_call() -> None:
    line = CallLine(events=True)
    channel = opened(line)
    for _ in range(MOST_FRAMES + 100):
        line.hear(b"\0\0")
    assert not line.lost.is_set()
    channel.hooks["message"]("{}")
    assert line.lost.is_set()
    with pytest.raises(LineLost):
        await line.receive()


async def test_who_waits_for_a_frame_learns_that_the_client_has_gone() -> None:
    line = CallLine(events=True)
    channel = opened(line)
    waiting = asyncio.create_task(line.receive())
    await asyncio.sleep(0)
    channel.hooks["close"]()
    with pytest.raises(LineLost):
        await waiting


async def test_events_wait_for_the_channel_and_then_for_a_client_that_reads_slowly() -> None:
    line = CallLine(events=True)
    sending = asyncio.create_task(line.send("first"))
    await asyncio.sleep(0)
    assert not sending.done()
    channel = opened(line)
    await sending
    assert channel.sent == ["first"]
    channel.bufferedAmount = MOST_BUFFERED + 1
    slow = asyncio.create_task(line.send("second"))
    await asyncio.sleep(0.01)
    assert channel.sent == ["first"]
    channel.read()
    await slow
    assert channel.sent == ["first", "second"]


async def test_only_one_channel_is_ours_and_a_client_without_any_is_told_nothing() -> None:
    line = CallLine(events=True)
    assert opened(line, "chat").closed
    assert not opened(line).closed
    assert opened(line).closed
    silent = CallLine(events=False)
    await silent.send("nobody wants to know")


@pytest.mark.looptime
async def test_the_end_of_a_call_is_told_as_far_as_it_gets_through() -> None:
    line = CallLine(events=True)
    await line.close(1001, "before anything was opened")
    channel = opened(line)
    await line.close(1001, "a session lasts 1 s")  # it is never read: that is waited for a little, and no longer
    error = json.loads(channel.sent[-1])["error"]
    assert (error["code"], error["message"]) == ("session_expired", "a session lasts 1 s")
    channel.bufferedAmount = 0
    await line.close(1013, "the client reads too slowly")
    assert json.loads(channel.sent[-1])["error"]["code"] == "connection_closed"
