"""Packets of a cast as aiortc's tracks take them: encoded already, so that a peer costs no more than its packets."""

from fractions import Fraction
from typing import Any, Final

from aiortc import MediaStreamTrack
from av.packet import Packet as AvPacket

from polytalk.gateway.webrtc.cast import Tap

CLOCKS: Final = {"audio": 48_000, "video": 90_000}
"""Ticks a second of RTP's timestamps: RFC 7587, RFC 7741, RFC 6184."""


class PacketTrack(MediaStreamTrack):
    """Gives one peer what one tap gives."""

    def __init__(self, tap: Tap) -> None:
        super().__init__()
        self.kind = tap.kind
        self._tap = tap
        self._clock = CLOCKS[tap.kind]
        self._time_base = Fraction(1, self._clock)
        self.taken = 0
        """Bytes so far."""

    async def recv(self) -> "AvPacket[Any]":
        """See MediaStreamTrack."""
        taken = await self._tap.get()
        self.taken += len(taken.data)
        packet: AvPacket[Any] = AvPacket(taken.data)
        packet.pts, packet.time_base = round(taken.at * self._clock), self._time_base
        return packet
