"""Offers of any kind: each is read, or refused with a reason; what was read is answered, or refused with a reason."""

import asyncio
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.clock import RealClock
from polytalk.config import WebRtcSettings
from polytalk.dialogue.metronome import Metronome
from polytalk.errors import BadInput
from polytalk.gateway.webrtc.buffer import OutputBuffer
from polytalk.gateway.webrtc.cast import Cast
from polytalk.gateway.webrtc.line import CallLine
from polytalk.gateway.webrtc.offer import INVALID, Offer, read
from polytalk.gateway.webrtc.peer import Peer
from polytalk.gateway.webrtc.projector import Projector
from tests.support.caller import offered

ASKER = "127.0.0.1"
ODD = [
    *("", "\x00", "a", "a=", "m=", "m=audio", "m=audio 99999999999 UDP/TLS/RTP/SAVPF 96", "m=text 9 a b"),
    *(
        "a=rtpmap:",
        "a=rtpmap:x VP8/y",
        f"a=rtpmap:96 opus/{'9' * 30}/2",
        "a=fmtp:96 x",
        "a=fmtp:96 apt=x",
        "a=rtcp-fb:x",
    ),
    *("a=ssrc:x", "a=ssrc-group:FID 1", "a=group:BUNDLE", "a=mid:", "a=mid:\u0301", "a=setup:x", "a=fingerprint:x"),
    *("a=ice-ufrag:", f"a=ice-pwd:{'x' * 5_000}", "a=candidate:", "a=candidate:1 1 udp 1 1.2.3.4 x typ host"),
    *("a=extmap:999 y", "a=sctp-port:-1", "a=max-message-size:x", "c=IN", "c=IN IP4 999.1.1.1", "a=rtcp:9 IN IP4"),
    *(
        "a=inactive",
        "a=msid:",
        "a=ice-lite",
        "o=x",
        "t=x",
        "m=application 9 DTLS/SCTP x",
        "m=video 9 UDP/TLS/RTP/SAVPF",
    ),
]
EDIT = st.tuples(st.integers(1, 200), st.integers(0, 3), st.integers(0, len(ODD) - 1), st.text(max_size=5))


@cache
def good() -> list[str]:
    """The lines of a good one."""
    return asyncio.run(offered()).split("\r\n")


def edited(edits: list[tuple[int, int, int, str]]) -> str:
    """With lines that are missing, come twice, or are something else."""
    lines = list(good())
    for where, how, odd, text in edits:
        at = 1 + where % (len(lines) - 1)
        if how == 0:
            del lines[at]
        elif how == 1:
            lines.insert(at, ODD[odd])
        elif how == 2:
            lines.append(lines[at])
        else:
            parts = re.split(r"([ :/=;])", lines[at])
            parts[odd % len(parts)] = text
            lines[at] = "".join(parts)
    return "\r\n".join(lines)


def read_or_refused(text: str) -> Offer | BadInput:
    try:
        return read(text, ASKER)
    except BadInput as error:
        return error


@settings(max_examples=150)
@given(st.lists(EDIT, min_size=1, max_size=4))
def test_an_odd_offer_is_read_or_refused(edits: list[tuple[int, int, int, str]]) -> None:
    found = read_or_refused(edited(edits))
    assert isinstance(found, Offer) or (found.detail, found.param) == (INVALID, "sdp")


@given(
    st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1")), st.just("v=0" + "\r\nm=audio" * 30_000))
)
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read(text, ASKER)


async def test_what_the_library_can_not_answer_is_refused_and_nothing_goes_on() -> None:
    text = await asyncio.to_thread(lambda: "\r\n".join(good()))
    no_direction = read(text.replace("a=sendrecv\r\n", "", 1), ASKER)
    before = asyncio.all_tasks()
    clock = RealClock()
    cast = Cast(OutputBuffer(lambda *_: None), Projector(), Metronome(clock), clock, lambda: None)
    peer = Peer(WebRtcSettings(), cast, CallLine(events=True))
    with pytest.raises(BadInput, match="can't be answered"):
        await peer.answer(no_direction, pictures=True)
    await peer.close()
    assert asyncio.all_tasks() == before
    with pytest.raises(BadInput, match="a=mid"):
        read(re.sub(r"a=mid:1\r\n", "", text), ASKER)
