"""A client's packets as the session hears them."""

import asyncio

import numpy as np
import pytest

from polytalk.gateway.webrtc.ears import HOLE, MOST_SILENCE, Ears, EarsQueue
from polytalk.media.opus import PACKET_BYTES, OpusEncoder
from polytalk.media.pcm import duration, samples
from polytalk.types import SPEECH_RATE
from tests.support.sound import tone

STEP = 960


def packets(seconds: float) -> list[bytes]:
    encoder, pcm = OpusEncoder(), tone(seconds)
    return [encoder.encode(pcm[at : at + PACKET_BYTES]) for at in range(0, len(pcm), PACKET_BYTES)]


class Listener:
    def __init__(self) -> None:
        self.heard = bytearray()
        self.ears = Ears(self.heard.extend)

    @property
    def seconds(self) -> float:
        return duration(self.heard, SPEECH_RATE)

    def pitch(self) -> float:
        signal = samples(bytes(self.heard)).astype(float)
        return float(np.abs(np.fft.rfft(signal)).argmax() * SPEECH_RATE / len(signal))


def test_packets_are_heard_at_the_protocols_rate() -> None:
    listener = Listener()
    for index, packet in enumerate(packets(0.5)):
        listener.ears.take(packet, index * STEP)
    assert listener.seconds == pytest.approx(0.5, abs=0.002)
    assert listener.pitch() == pytest.approx(300, abs=5)


def test_time_goes_on_where_packets_were_lost() -> None:
    listener = Listener()
    for index, packet in enumerate(packets(0.5)):
        if index not in (5, 6, 7, 20):
            listener.ears.take(packet, index * STEP)
    assert listener.seconds == pytest.approx(0.5, abs=0.002)


def test_a_jump_of_minutes_is_another_timeline_and_what_is_no_opus_is_left_out() -> None:
    listener = Listener()
    first, second = packets(0.04)
    listener.ears.take(first, 0)
    listener.ears.take(second, 10**7)
    assert listener.seconds == pytest.approx(0.04, abs=0.002)
    for garbage in (b"", b"\xff" * 50, bytes(1500)):
        listener.ears.take(garbage, 10**7 + STEP)
    assert listener.seconds < 0.2


@pytest.mark.looptime
async def test_a_track_that_gives_nothing_is_silent_for_as_long_as_a_turn_needs_to_end() -> None:
    listener = Listener()
    running = asyncio.create_task(listener.ears.run())
    await asyncio.sleep(0)
    first, second = packets(0.04)
    listener.ears.take(first, 0)
    await asyncio.sleep(10 * HOLE + 0.05)
    quiet = listener.seconds
    assert quiet == pytest.approx(0.02 + 9 * HOLE, abs=0.002)
    listener.ears.take(second, STEP + round((quiet - 0.02) * 48_000))  # it saved packets: nothing is heard twice
    assert listener.seconds == pytest.approx(quiet + 0.02, abs=0.002)
    await asyncio.sleep(100)
    assert listener.seconds == pytest.approx(quiet + 0.02 + MOST_SILENCE, abs=HOLE)
    running.cancel()


def test_only_the_end_reaches_the_librarys_thread() -> None:
    class Frame:
        data, timestamp = packets(0.02)[0], 0

    listener = Listener()
    queue = EarsQueue(listener.ears)
    queue.put(("codec", Frame()))
    assert queue.empty()
    assert listener.seconds > 0.015
    queue.put(None)
    assert queue.get_nowait() is None
