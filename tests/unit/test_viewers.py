"""Those who watch a call of somebody else, with aiortc at their ends: what is encoded for the call is passed on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest

from polytalk.config import TenantSettings, WebRtcSettings
from polytalk.media.opus import OpusEncoder
from polytalk.media.units import UnitWriter
from tests.support.caller import Caller, calling
from tests.support.server import Server, serving
from tests.support.sound import tone
from tests.unit.test_calls import AS_SDP, SMALL, eventually, left


@asynccontextmanager
async def speaking(reply: str = "word " * 20, **settings: Any) -> AsyncIterator[Server]:
    async with serving(reply, video=SMALL, **settings) as server:
        server.tts.sound = tone
        yield server


@asynccontextmanager
async def watching(server: Server, caller: Caller, **offer: Any) -> AsyncIterator[Caller]:
    """One who watches what the caller hears and sees."""
    viewer = Caller()
    try:
        await viewer.accept(await asked(server, caller, viewer, **offer))
        await eventually(lambda: viewer.sounds)
        yield viewer
    finally:
        await viewer.close()


async def asked(server: Server, caller: Caller, viewer: Caller, key: str = "", **offer: Any) -> httpx.Response:
    text = await viewer.offer(**{"video": True, "microphone": False, "events": False} | offer)
    headers = AS_SDP | ({"authorization": f"Bearer {key}"} if key else {})
    async with httpx.AsyncClient(base_url=server.http) as client:
        return await client.post(f"{caller.location}/viewers", content=text, headers=headers)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def heard(caller: Caller) -> float:
    """Seconds of speech."""
    return 0.02 * sum(int(np.abs(samples).max()) > 1000 for _, _, samples in caller.sounds)


def seen(caller: Caller) -> int:
    """Pictures of a face that speaks: those that are made here are brighter than the one at rest."""
    return sum(float(plane.mean()) > 20 for _, _, plane in caller.pictures)


async def test_two_who_watch_hear_and_see_the_answer_and_nothing_is_encoded_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = count_encoding(monkeypatch)
    async with (
        speaking() as server,
        calling(server.http, video=True) as caller,
        watching(server, caller) as one,
        watching(server, caller, video=False) as ear,
    ):
        await eventually(lambda: one.pictures, "the face at rest")
        await eventually(lambda: work["resting"] == 100, "its loop")
        caller.asks()
        await caller.until("output_audio_buffer.stopped")
        everybody = (caller, one, ear)
        await eventually(lambda: min(map(heard, everybody)) > 0.9)
        assert [heard(who) for who in everybody] == pytest.approx([1.0] * 3, abs=0.1)
        assert work["sound"] == pytest.approx(50, abs=1)
        assert work["pictures"] == pytest.approx(25, abs=2)
        await eventually(lambda: min(seen(caller), seen(one)) >= 22)
        assert [seen(caller), seen(one)] == pytest.approx([25, 25], abs=3)
        assert not ear.pictures
    assert work["sound"] == pytest.approx(50, abs=1)


def count_encoding(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many packets and pictures are encoded from now on."""
    work = {"sound": 0, "pictures": 0, "resting": 0}
    encode, push = OpusEncoder.encode, UnitWriter.push

    def encoded(self: OpusEncoder, pcm: bytes) -> bytes:
        work["sound"] += 1
        return encode(self, pcm)

    def pushed(self: UnitWriter, *given: Any) -> Any:
        units = push(self, *given)
        work["resting" if self._fps == 12.5 else "pictures"] += len(units)
        return units

    monkeypatch.setattr(OpusEncoder, "encode", encoded)
    monkeypatch.setattr(UnitWriter, "push", pushed)
    return work


async def test_who_comes_in_the_middle_of_an_answer_sees_it_at_once() -> None:
    async with speaking("word " * 60) as server, calling(server.http, video=True) as caller:
        caller.asks()
        await caller.until("output_audio_buffer.started")
        await asyncio.sleep(0.3)
        async with watching(server, caller) as late:
            await eventually(lambda: seen(late))
            assert late.pictures[0][0] - late.sounds[0][0] < 1.0
            ahead = {stamp for _, stamp, _ in late.pictures}
            assert len(ahead) == len(late.pictures)  # each has a moment of its own


async def test_a_data_channel_tells_who_watches_what_the_avatar_says_and_not_what_the_caller_does() -> None:
    async with (
        speaking("Yes, it is.") as server,
        calling(server.http, video=True) as caller,
        watching(server, caller, events=True) as viewer,
    ):
        await eventually(lambda: viewer.channel is not None and viewer.channel.readyState == "open")
        caller.asks("What is my secret?")
        await caller.until("output_audio_buffer.stopped")
        assert (await viewer.until("response.output_audio_transcript.done"))["transcript"] == "Yes, it is."
        viewer.asks("And now for me")
        await viewer.until("output_audio_buffer.stopped")
        assert {kind.split(".")[0] for kind in viewer.kinds} == {"response", "output_audio_buffer"}
        assert "secret" not in str(viewer.got)
        assert len(caller.all("response.created")) == 1


async def test_a_microphone_of_who_watches_is_not_heard() -> None:
    async with (
        speaking() as server,
        calling(server.http) as caller,
        watching(server, caller, microphone=True, video=True) as viewer,
    ):
        viewer.microphone.say(0.5)
        await asyncio.sleep(0.8)
        assert "input_audio_buffer.speech_started" not in caller.kinds
        assert not viewer.pictures  # the call has none


async def test_viewers_are_bounded_by_call_and_altogether_and_give_their_places_back() -> None:
    webrtc = WebRtcSettings(viewers_per_call=1, viewers=2)
    async with (
        speaking(webrtc=webrtc) as server,
        httpx.AsyncClient(base_url=server.http) as client,
        calling(server.http) as first,
        calling(server.http) as second,
        calling(server.http) as third,
        watching(server, first) as one,
        watching(server, second),
    ):
        assert "polytalk_call_viewers 2.0" in (await client.get("/metrics")).text
        full = [Caller(), Caller()]
        refused = [await asked(server, call, who) for call, who in zip((first, third), full, strict=True)]
        assert [told(answer) for answer in refused] == [(429, "at_capacity")] * 2
        for who in full:
            await who.close()
        assert (await client.post(f"{one.location}/hangup")).status_code == 200
        await eventually(lambda: one.peer.connectionState == "closed")
        assert told(await client.post(f"{one.location}/hangup")) == (404, "viewer_not_found")
        async with watching(server, third):
            assert first.peer.connectionState == "connected"


async def test_the_end_of_the_call_ends_those_who_watch() -> None:
    async with (
        speaking() as server,
        httpx.AsyncClient(base_url=server.http) as client,
        calling(server.http) as caller,
        watching(server, caller) as viewer,
    ):
        await client.post(f"{caller.location}/hangup")
        await eventually(lambda: viewer.peer.connectionState == "closed")
        await left(server)
        late = Caller()
        assert told(await asked(server, caller, late)) == (404, "call_not_found")
        await late.close()


async def test_offers_that_do_not_fit_and_calls_of_others_are_refused() -> None:
    tenants = tuple(TenantSettings(name=name, token=f"the long word of {name}") for name in ("shop", "other"))
    async with speaking(tenants=tenants) as server, httpx.AsyncClient(base_url=server.http) as client:
        caller, viewer, stranger = Caller(), Caller(), Caller()
        key = {"authorization": "Bearer the long word of shop"}
        sent = await client.post(
            "/v1/realtime/calls", content=without(await caller.offer(video=True), "VP8"), headers=AS_SDP | key
        )
        await caller.accept(sent)
        assert told(await asked(server, caller, stranger, "the long word of other")) == (404, "call_not_found")
        offer = without(await viewer.offer(video=True, microphone=False), "H264")
        url = f"{caller.location}/viewers"
        wrong = await client.post(url, content=offer, headers=AS_SDP | key)
        assert told(wrong) == (400, "invalid_offer")
        assert "H264" in wrong.json()["error"]["message"]
        assert told(await client.post(url, content="hello", headers=AS_SDP | key)) == (400, "invalid_offer")
        for who in (caller, viewer, stranger):
            await who.close()


def without(offer: str, codec: str) -> str:
    """An offer that does not know a codec."""
    gone = {line.split(":")[1].split()[0] for line in offer.splitlines() if f" {codec}/" in line}
    kept = [line for line in offer.splitlines() if not any(f":{kind} " in line for kind in gone)]
    return "\r\n".join(kept) + "\r\n"
