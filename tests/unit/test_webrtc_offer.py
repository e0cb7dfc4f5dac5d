"""Offers that can't be taken are refused with a reason before anything is opened; events fit what channels carry."""

import json
import re
from collections.abc import Callable

import pytest

from polytalk.errors import BadInput
from polytalk.gateway.webrtc.line import MOST_MESSAGE, fitting
from polytalk.gateway.webrtc.offer import LEAST_PORT, MOST_CHECKED, read
from tests.support.caller import offered

ASKER = "192.168.1.7"


@pytest.fixture
async def offer() -> str:
    """With sound, pictures and a data channel."""
    return await offered()


def sections(text: str, *kinds: str) -> str:
    head, *media = re.split(r"(?=^m=)", text, flags=re.MULTILINE)
    return head + "".join(part for kind in kinds for part in media if part.startswith(f"m={kind}"))


async def test_what_is_offered_is_read(offer: str) -> None:
    found = read(offer, ASKER)
    assert (found.speaks, found.video, found.codec, found.events) == (True, True, "vp8", True)
    found = read(sections(offer, "audio").replace("a=sendrecv", "a=recvonly"), ASKER)
    assert (found.speaks, found.video, found.codec, found.events) == (False, False, None, False)
    found = read(offer.replace("a=recvonly", "a=inactive"), ASKER)
    assert (found.video, found.codec) == (True, None)
    found = read(offer.replace("VP8/90000", "VP9/90000"), ASKER)
    assert found.codec == "h264"


def candidate(host: str, port: int = 50_001, transport: str = "udp") -> str:
    return f"a=candidate:2 1 {transport} 2113937151 {host} {port} typ host\r\n"


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888", ASKER, f"::ffff:{ASKER}"])
async def test_clients_are_answered_at_public_addresses_and_where_they_asked_from(offer: str, host: str) -> None:
    assert candidate(host) in read(offer + candidate(host), ASKER).sdp


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.2",
        "172.16.0.1",
        "192.168.1.8",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.251",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff0e::1",
        "::ffff:10.0.0.2",
        "::10.0.0.2",
        "2002:a00:2::1",
        "64:ff9b::a00:2",
        "2001:0:a00:2::1",
        "5a0f0a7e-8d6d-4a1e-9a58-2f0f6f6a1a11.local",
        "INTERNAL.LOCAL",
        "db.internal",
        "167772162",
        "0x0a000002",
        "010.0.0.2",
    ],
)
async def test_no_candidate_has_the_server_send_into_networks_of_others_or_look_up_a_name(
    offer: str, host: str
) -> None:
    given = re.sub(r"a=candidate:.*\r\n", "", offer) + candidate(host)
    assert "a=candidate" not in read(given, ASKER).sdp
    assert "a=candidate" not in read(given, "").sdp


@pytest.mark.parametrize(
    "line",
    [
        candidate("8.8.8.8", LEAST_PORT - 1),
        candidate("8.8.8.8", -1),
        candidate("8.8.8.8", transport="tcp"),
        candidate("8.8.8.8").replace("50001", "5000100"),
        "a=candidate:\r\n",
    ],
)
async def test_no_candidate_is_a_service(offer: str, line: str) -> None:
    assert line not in read(offer + line, ASKER).sdp


async def test_checks_go_to_a_few_candidates_only(offer: str) -> None:
    given = re.sub(r"a=candidate:.*\r\n", "", offer) + "".join(candidate(f"8.8.8.{n}") for n in range(40))
    assert read(given, ASKER).sdp.count("a=candidate:") == MOST_CHECKED


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "nothing": (lambda _: "", "no SDP"),
    "prose": (lambda _: "let me in", "no SDP"),
    "a beginning only": (lambda _: "v=0\r\n", "no audio"),
    "garbage behind a beginning": (lambda _: "v=0\r\nm=audio x y z\r\na=rtpmap:\r\n", "can't be read"),
    "a bad payload type": (lambda text: re.sub(r"a=rtpmap:96 opus", "a=rtpmap:x opus", text), "can't be read"),
    "a codec that is not described": (lambda text: text + "a=fmtp:111 x=1\r\na=fmtp:250 x=1\r\n", "can't be read"),
    "video only": (lambda text: sections(text, "video", "application"), "no audio"),
    "two voices": (lambda text: sections(text, "audio", "audio"), "one section of audio"),
    "silence both ways": (lambda text: text.replace("a=sendrecv", "a=inactive"), "inactive"),
    "no Opus": (lambda text: text.replace("opus/48000/2", "speex/16000"), "Opus"),
    "no codec for pictures": (lambda text: re.sub("(VP8|H264)/", "AV1/", text), "VP8"),
    "no fingerprint": (lambda text: re.sub(r"a=fingerprint.*\r\n", "", text), "fingerprint"),
    "no password": (lambda text: re.sub(r"a=ice-pwd.*\r\n", "", text), "ice-pwd"),
    "no role": (lambda text: re.sub(r"a=setup.*\r\n", "", text), "setup"),
    "a port for RTCP": (lambda text: text.replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
    "many sections": (lambda text: sections(text, "audio", *["application"] * 9), "sections"),
    "many candidates": (
        lambda text: text + "a=candidate:2 1 udp 1 192.0.2.9 50001 typ host\r\n" * 65,
        "candidates",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_can_not_be_answered_is_refused_with_a_reason(offer: str, what: str) -> None:
    spoil, reason = BAD[what]
    with pytest.raises(BadInput, match=reason) as refused:
        read(spoil(offer), ASKER)
    assert (refused.value.detail, refused.value.param) == ("invalid_offer", "sdp")


def test_an_event_that_fits_goes_as_it_is() -> None:
    text = json.dumps({"type": "session.created", "event_id": "event_1"})
    assert [*fitting(text)] == [text]


def test_a_long_delta_goes_in_pieces_that_fit() -> None:
    delta = "né" * 100_000
    parts = [*fitting(json.dumps({"type": "response.output_text.delta", "delta": delta, "item_id": "i"}))]
    assert len(parts) > 1
    assert all(len(part.encode()) <= MOST_MESSAGE for part in parts)
    assert "".join(json.loads(part)["delta"] for part in parts) == delta
    assert {json.loads(part)["item_id"] for part in parts} == {"i"}
    assert len({json.loads(part)["event_id"] for part in parts}) == len(parts)


def test_whatever_else_does_not_fit_is_told_as_an_error() -> None:
    (text,) = fitting(json.dumps({"type": "response.created", "response": {"metadata": {"x": "y" * 100_000}}}))
    assert json.loads(text)["error"]["code"] == "event_too_large"
    assert "response.created" in json.loads(text)["error"]["message"]
