"""Calls over WebRTC on this machine, with aiortc at the other end: DTLS, tracks and data channel are real."""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket
from openai import AsyncOpenAI
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from polytalk.config import Limits, ServerSettings, Settings, StoreSettings, TenantSettings, WebRtcSettings
from polytalk.gateway.webrtc import peer
from polytalk.schedule.congestion import PATIENCE, SETTLE
from polytalk.store.store import opened
from tests.support.caller import Caller, calling
from tests.support.server import SOON, Server, serving
from tests.support.sound import tone

SMALL = {"size": 64}
LONG = "word " * 100
URL = "/v1/realtime/calls"
AS_SDP = {"content-type": "application/sdp"}


async def eventually(condition: Any, what: str = "") -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.02)


def inside(server: Server) -> int:
    """Places that are taken, as the server counts them."""
    with httpx.Client(base_url=server.http) as client:
        lines = client.get("/metrics").text.splitlines()
    return round(float(next(line for line in lines if line.startswith("polytalk_sessions ")).split()[1]))


async def left(server: Server) -> None:
    async with asyncio.timeout(SOON):
        while await asyncio.to_thread(inside, server):
            await asyncio.sleep(0.05)


async def test_a_question_is_heard_and_answered_with_sound_and_pictures_in_step() -> None:
    async with speaking("word " * 20, video=SMALL) as server, calling(server.http, video=True) as caller:
        await asyncio.sleep(0.3)
        caller.microphone.say(0.6)
        await caller.until("response.done")
        await caller.until("output_audio_buffer.stopped")
        kinds = caller.kinds
        assert kinds[0] == "session.created"
        assert "input_audio_buffer.speech_started" in kinds
        assert "response.output_audio.delta" not in kinds
        assert "response.animation_blendshapes.delta" not in kinds
        response = caller.all("response.created")[0]["response"]["id"]
        assert [caller.all(f"output_audio_buffer.{one}")[0]["response_id"] for one in ("started", "stopped")] == [
            response,
            response,
        ]
        order = [kinds.index(one) for one in ("response.created", "output_audio_buffer.started", "response.done")]
        assert order == sorted(order)
        spoken = [at for at, _, samples in caller.sounds if np.abs(samples).max() > 1000]
        assert 0.8 < spoken[-1] - spoken[0] < 1.5
        stamps = [stamp for _, stamp, _ in caller.sounds]
        assert {b - a for a, b in pairwise(stamps)} == {960}
        bright = [at for at, _, plane in caller.pictures if plane.mean() > 20]
        assert caller.pictures[0][0] < bright[0]  # the face at rest was seen before
        # This client holds sound back for 80 ms, and pictures for none.
        assert bright[0] - (spoken[0] - 0.08) == pytest.approx(0, abs=0.12)
        assert (bright[-1] - bright[0]) / (spoken[-1] - spoken[0]) == pytest.approx(1, abs=0.2)
        moments = [stamp / 90_000 for _, stamp, plane in caller.pictures if plane.mean() > 20]
        assert np.median(np.diff(moments)) == pytest.approx(0.04, abs=0.002)


async def test_a_voice_breaks_the_answer_off_at_once_and_history_knows_how_far_it_was_heard() -> None:
    async with speaking(LONG) as server, calling(server.http) as caller:
        caller.asks()
        await caller.until("output_audio_buffer.started")
        await asyncio.sleep(0.6)
        server.asr.says = ["Stop it please."]
        caller.microphone.say(0.8)
        cleared = await caller.until("output_audio_buffer.cleared")
        done, cut = await caller.until("response.done"), await caller.until("conversation.item.truncated")
        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert 300 < cut["audio_end_ms"] < 3000
        assert cut["item_id"] == done["response"]["output"][0]["id"]
        assert cleared["response_id"] == done["response"]["id"]
        await asyncio.sleep(0.25)  # what was in the client's own buffer
        assert caller.level(since=cleared["at"] + 0.15) < 20
        again = await caller.until("response.created", 2)
        assert again["response"]["id"] != cleared["response_id"]


async def test_a_client_can_have_what_is_played_cleared_and_then_goes_on() -> None:
    async with speaking(LONG) as server, calling(server.http) as caller:
        caller.asks()
        await caller.until("output_audio_buffer.started")
        caller.send("output_audio_buffer.clear")
        await caller.until("output_audio_buffer.cleared")
        done = await caller.until("response.done")
        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        caller.send("output_audio_buffer.clear")  # nothing is played: nothing happens
        server.llm.reply = "Yes."
        caller.asks()
        await caller.until("output_audio_buffer.stopped")
        assert len(caller.all("output_audio_buffer.cleared")) == 1
        # an answer that was given already, and is still being played
        server.llm.reply = "one two three four five six."
        caller.asks()
        await caller.until("response.done", 3)
        caller.send("output_audio_buffer.clear")
        await caller.until("output_audio_buffer.cleared", 2)
        assert (await caller.until("conversation.item.truncated", 2))["audio_end_ms"] < 300
        assert not caller.all("error")


async def test_what_is_wrong_on_the_data_channel_is_answered_there_and_the_call_goes_on() -> None:
    async with speaking(limits=Limits(max_event_bytes=2048)) as server, calling(server.http) as caller:
        assert caller.channel is not None
        bad: list[tuple[str | bytes, str]] = [
            (b"\x00\x01\x02", "invalid_value"),
            ("no json", "invalid_json"),
            (json.dumps({"type": "session.destroy"}), "invalid_value"),
            ("x" * 3000, "event_too_large"),
            (update(avatar={"output_protocol": "websocket"}), "invalid_value"),
            (update(avatar={"output_protocol": "webrtc"}), "invalid_value"),
        ]
        for count, (frame, code) in enumerate(bad, 1):
            caller.channel.send(frame)
            assert (await caller.until("error", count))["error"]["code"] == code
        assert "offer a video section" in caller.all("error")[-1]["error"]["message"]
        stray = caller.peer.createDataChannel("something else")
        await eventually(lambda: stray.readyState == "closed")
        caller.asks()
        assert (await caller.until("response.done"))["response"]["status"] == "completed"


@asynccontextmanager
async def speaking(reply: str = "Yes, it is.", **settings: Any) -> AsyncIterator[Server]:
    """A server whose voice is one that codecs keep."""
    async with serving(reply, **settings) as server:
        server.tts.sound = tone
        yield server


def update(**session: Any) -> str:
    return json.dumps({"type": "session.update", "session": {"type": "realtime"} | session})


async def test_a_client_that_draws_gets_mouths_and_one_that_only_reads_gets_no_sound() -> None:
    async with speaking() as server, calling(server.http, microphone=False) as caller:
        assert caller.channel is not None
        caller.channel.send(update(avatar={"character": "mira"}))
        await caller.until("session.updated")
        caller.asks()
        await caller.until("output_audio_buffer.stopped")
        frames = sum(len(wire["frames"]) for wire in caller.all("response.animation_blendshapes.delta"))
        assert frames == 8  # 0.15 s of sound, in whole frames
        assert not caller.all("response.output_audio.delta")
        caller.channel.send(update(output_modalities=["text"]))
        caller.asks()
        await caller.until("response.output_text.done")
        assert len(caller.all("output_audio_buffer.started")) == 1


async def test_without_video_nothing_is_drawn_and_without_a_data_channel_the_call_is_a_telephone() -> None:
    async with speaking("word " * 10, video=SMALL) as server, calling(server.http, events=False) as caller:
        assert not caller.got
        await eventually(lambda: len(caller.sounds) > 5)
        caller.microphone.say(0.6)
        await eventually(lambda: any(np.abs(samples).max() > 1000 for _, _, samples in caller.sounds))
        assert not [work for work in server.synthesise.works if work.size == (64, 64)]


async def test_hanging_up_from_either_side_gives_the_place_back() -> None:
    async with speaking(limits=Limits(max_sessions=1)) as server, httpx.AsyncClient(base_url=server.http) as client:
        async with calling(server.http) as caller:
            full = Caller()
            refused = await client.post(URL, content=await full.offer(), headers=AS_SDP)
            await full.close()
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "at_capacity")
            assert int(refused.headers["retry-after"]) >= 1
            again = await client.post(caller.location, content="v=0", headers=AS_SDP)
            assert (again.status_code, again.json()["error"]["code"]) == (409, "renegotiation_not_supported")
            over = await client.post(f"{caller.location}/hangup")
            assert (over.status_code, over.content) == (200, b"")
            await eventually(lambda: caller.peer.connectionState == "closed")
            await left(server)
            unknown = await client.post(f"{caller.location}/hangup")
            assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "call_not_found")
        async with calling(server.http):
            assert await asyncio.to_thread(inside, server) == 1
        await left(server)


async def test_a_client_that_never_connects_and_one_that_vanishes_give_their_places_back() -> None:
    webrtc = WebRtcSettings(setup_seconds=2.0, silence_seconds=1.0)
    async with speaking(webrtc=webrtc) as server, httpx.AsyncClient(base_url=server.http) as client:
        silent = Caller()
        answer = await client.post(URL, content=await silent.offer(), headers=AS_SDP)
        assert answer.status_code == 201
        assert await asyncio.to_thread(inside, server) == 1
        await silent.close()
        await left(server)
        async with calling(server.http) as caller:
            unplug(caller.peer)
            await left(server)


def unplug(peer: RTCPeerConnection) -> None:
    """Its packets go nowhere from now on, as when a machine falls asleep."""
    for transceiver in peer.getTransceivers():
        for protocol in transceiver.sender.transport.transport._connection._protocols:
            protocol.transport.abort()


async def test_calls_last_as_long_as_conversations_on_sockets_and_end_with_the_server() -> None:
    async with speaking(limits=Limits(session_seconds=1.0)) as server, calling(server.http) as caller:
        ended = await caller.until("error")
        assert ended["error"]["code"] == "session_expired"
        await left(server)
    async with speaking() as server:
        caller = Caller()
        async with httpx.AsyncClient(base_url=server.http) as client:
            await caller.accept(await client.post(URL, content=await caller.offer(), headers=AS_SDP))
        await caller.until("session.created")
    await eventually(lambda: caller.peer.connectionState == "closed")
    await caller.close()


async def test_requests_that_are_no_calls_are_refused_with_the_one_error_body() -> None:
    webrtc = WebRtcSettings(max_sdp_bytes=4096)
    async with speaking(webrtc=webrtc) as server, httpx.AsyncClient(base_url=server.http) as client:
        peer = RTCPeerConnection()
        peer.addTransceiver("video")
        video = str((await peer.createOffer()).sdp)
        await peer.close()
        session = {"type": "realtime", "model": "nobody"}
        caller = Caller()
        offer = await caller.offer()
        await caller.close()
        posts: list[tuple[dict[str, Any], int, str]] = [
            ({"content": "hello", "headers": AS_SDP}, 400, "invalid_offer"),
            ({"content": b"v=0\xff\xfe", "headers": AS_SDP}, 400, "invalid_offer"),
            ({"content": video, "headers": AS_SDP}, 400, "invalid_offer"),
            ({"content": "v=0" + "x" * 5000, "headers": AS_SDP}, 413, "body_too_large"),
            ({"json": {"sdp": offer}}, 415, "unsupported_media_type"),
            ({"files": {"session": (None, "{}")}}, 400, "form_invalid"),
            ({"files": {"sdp": (None, offer), "session": (None, "{")}}, 400, "invalid_json"),
            ({"files": {"sdp": (None, offer), "session": (None, json.dumps(session))}}, 404, "model_not_found"),
            (
                {"files": {"sdp": (None, offer), "session": (None, '{"audio": {"output": {"voice": "x"}}}')}},
                400,
                "invalid_value",
            ),
            ({"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "form_invalid"),
            ({"content": offer, "headers": AS_SDP, "params": {"model": "nobody"}}, 404, "model_not_found"),
            ({"content": offer, "headers": AS_SDP | {"origin": "https://a.example"}}, 403, "origin_not_allowed"),
        ]
        for request, status, code in posts:
            answer = await client.post(URL, **request)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), request
        assert await asyncio.to_thread(inside, server) == 0


async def test_a_form_with_a_session_is_what_sdks_send() -> None:
    async with speaking(video=SMALL) as server, httpx.AsyncClient(base_url=server.http) as client:
        caller = Caller()
        session = {"type": "realtime", "model": "theo", "instructions": "Be brief.", "output_modalities": ["audio"]}
        form = {"sdp": (None, await caller.offer(video=True)), "session": (None, json.dumps(session))}
        answer = await client.post(URL, files=form)
        assert answer.headers["content-type"] == "application/sdp"
        ids = {line.split()[0] for line in answer.text.splitlines() if line.startswith("a=msid:")}
        assert len(ids) == 1  # sound and pictures belong together
        await caller.accept(answer)
        created = await caller.until("session.created")
        assert (created["session"]["model"], created["session"]["instructions"]) == ("theo", "Be brief.")
        await caller.close()


@pytest.mark.parametrize("asker", ["127.0.0.1", "8.8.8.8"])
async def test_a_call_sends_nothing_to_addresses_that_only_the_server_can_reach(asker: str) -> None:
    """What a client here offers is checked; what one elsewhere offers of here is not."""
    tenant = TenantSettings(name="acme", token=SecretStr("secret"))
    trusting = ServerSettings(trusted_proxies=("127.0.0.1/32",))
    webrtc = WebRtcSettings(setup_seconds=0.4)
    headers = AS_SDP | {"authorization": "Bearer secret", "x-forwarded-for": asker}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        victim.setblocking(False)
        caller = Caller()
        hosts = re.sub(r"a=candidate:.*\r\n", "", await caller.offer())
        there = f"a=candidate:1 1 udp 2113937151 127.0.0.1 {victim.getsockname()[1]} typ host\r\n"
        offer = hosts.replace("a=ice-ufrag", f"{there}a=ice-ufrag")
        async with speaking(webrtc=webrtc, server=trusting, tenants=(tenant,)) as server:
            async with httpx.AsyncClient(base_url=server.http) as client:
                answer = await client.post(URL, content=offer, headers=headers)
            assert answer.status_code == 201
            await left(server)
        await caller.close()
        if asker == "127.0.0.1":
            assert victim.recv(2_000)
        else:
            with pytest.raises(BlockingIOError):
                victim.recv(2_000)


async def test_calls_keep_to_the_ports_of_the_settings() -> None:
    webrtc = WebRtcSettings(addresses=("127.0.0.1",), first_port=39_400, last_port=39_401)
    async with speaking(webrtc=webrtc) as server, httpx.AsyncClient(base_url=server.http) as client:
        callers = [Caller() for _ in range(3)]
        answers = [await client.post(URL, content=await one.offer(), headers=AS_SDP) for one in callers]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert answers[2].json()["error"]["code"] == "at_capacity"
        assert {where for answer in answers[:2] for where in places(answer.text)} == {
            ("127.0.0.1", "39400"),
            ("127.0.0.1", "39401"),
        }
        for one in callers:
            await one.close()


async def test_the_address_that_clients_see_is_announced_beside_each_of_our_own() -> None:
    webrtc = WebRtcSettings(public_addresses=("203.0.113.7",))
    async with speaking(webrtc=webrtc) as server, httpx.AsyncClient(base_url=server.http) as client:
        caller = Caller()
        found = places((await client.post(URL, content=await caller.offer(), headers=AS_SDP)).text)
        await caller.close()
        own = {port for host, port in found if "." in host and host not in ("127.0.0.1", "203.0.113.7")}
        assert {port for host, port in found if host == "203.0.113.7"} == own
        assert "127.0.0.1" in {host for host, _ in found}


def places(sdp: str) -> list[tuple[str, str]]:
    """Address and port of each candidate."""
    lines = (line.split() for line in sdp.splitlines() if line.startswith("a=candidate:"))
    return [(words[4], words[5]) for words in lines]


async def test_a_browser_calls_with_a_client_secret_and_an_sdk_with_a_key() -> None:
    tenants = (TenantSettings(name="shop", token="a long random word"),)
    async with speaking(tenants=tenants) as server, httpx.AsyncClient(base_url=server.http) as client:
        stranger = Caller()
        refused = await client.post(URL, content=await stranger.offer(), headers=AS_SDP)
        await stranger.close()
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        key = {"authorization": "Bearer a long random word"}
        preset = {"session": {"type": "realtime", "model": "theo", "instructions": "Be brief."}}
        secret = (await client.post("/v1/realtime/client_secrets", json=preset, headers=key)).json()["value"]
        caller = Caller()
        ephemeral = {"authorization": f"Bearer {secret}"}
        await caller.accept(await client.post(URL, content=await caller.offer(), headers=AS_SDP | ephemeral))
        session = (await caller.until("session.created"))["session"]
        assert (session["model"], session["instructions"]) == ("theo", "Be brief.")
        assert (await client.post(f"{caller.location}/hangup", headers=ephemeral)).status_code == 200
        await caller.close()

        other = Caller()
        async with AsyncOpenAI(base_url=f"{server.http}/v1", api_key="a long random word") as sdk:
            answer = await sdk.realtime.calls.create(
                sdp=await other.offer(), session={"type": "realtime", "model": "gpt-realtime"}
            )
            await other.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            await other.until("session.created")
            await sdk.realtime.calls.hangup(answer.response.headers["location"].rpartition("/")[2])
        await eventually(lambda: other.peer.connectionState == "closed")
        await other.close()


async def test_a_network_that_loses_packets_is_sent_fewer_pictures_then_none_and_all_again_when_it_is_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ahead = Ahead()
    monkeypatch.setattr(peer, "time", ahead)
    async with speaking("word " * 12, video=SMALL) as server, calling(server.http, video=True) as caller:
        await eventually(lambda: caller.pictures)
        rates: list[float] = []
        for lost in (0.0, 0.3):
            await reported(caller, lost, ahead)
            caller.asks()
            await caller.until("output_audio_buffer.stopped", len(rates) + 1)
            rates.append(server.synthesise.works[-1].fps)
        assert rates == [25.0, 15.0]
        await reported(caller, 0.3, ahead)
        await asyncio.sleep(0.2)  # what was on its way
        drawn, seen = len(server.synthesise.works), len(caller.pictures)
        caller.asks()
        await caller.until("output_audio_buffer.stopped", 3)
        assert (len(server.synthesise.works), len(caller.pictures)) == (drawn, seen)
        ahead.seconds += PATIENCE
        await reported(caller, 0.0, ahead)
        await eventually(lambda: len(caller.pictures) > seen)


class Ahead:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.seconds


async def reported(caller: Caller, lost: float, ahead: Ahead) -> None:
    """Two receiver reports, with time enough between them, that a share of the pictures was lost."""
    receiver = caller.peer.getReceivers()[1]
    ssrc = next(iter(receiver._RTCRtpReceiver__remote_streams))  # type: ignore[attr-defined]
    info = RtcpReceiverInfo(ssrc, round(256 * lost), 0, 0, 0, 0, 0)
    for _ in range(2):
        ahead.seconds += SETTLE
        await receiver.transport._send_rtp(bytes(RtcpRrPacket(ssrc=1, reports=[info])))
        await asyncio.sleep(0.05)


async def test_without_a_key_nobody_calls_as_soon_as_there_is_one(tmp_path: Path) -> None:
    """By whichever way; and the first call, which began before, goes on."""
    store = StoreSettings(url=SecretStr(f"sqlite:///{tmp_path}/store.db"))
    async with (
        speaking(store=store) as server,
        httpx.AsyncClient(base_url=server.http) as client,
        calling(server.http) as caller,
        opened(Settings(store=store)) as ours,
    ):
        await ours.keys.create("default", "the first", ("realtime",))
        async with asyncio.timeout(SOON):
            while (await client.get("/v1/models")).status_code != 401:
                await asyncio.sleep(0.05)
        late = Caller()
        offer = await late.offer()
        await late.close()
        for path in (URL, caller.location, f"{caller.location}/hangup", "/v1/realtime/client_secrets"):
            refused = await client.post(path, content=offer, headers=AS_SDP)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key"), path
        for path in ("/v1/realtime", "/v1/realtime/media?session=x"):
            with pytest.raises(InvalidStatus) as closed:
                async with connect(f"ws://{server.host}{path}"):
                    pass
            assert closed.value.response.status_code == 401, path
        caller.asks()
        assert (await caller.until("response.done"))["response"]["status"] == "completed"
