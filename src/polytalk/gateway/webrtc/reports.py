"""What a client's RTCP says of its network: the losses of its receiver reports, and the bandwidth that it estimates."""

from collections.abc import Callable
from typing import Final

from aiortc import RTCRtpSender
from aiortc.rtp import RTCP_PSFB_APP, AnyRtcpPacket, RtcpPsfbPacket, RtcpRrPacket, RtcpSrPacket, unpack_remb_fci

from polytalk.schedule.congestion import Congestion, Quality
from polytalk.types import Seconds

WHOLE: Final = 256
"""A loss of everything, in a report (RFC 3550, 6.4.1)."""
RATE_OVER: Final[Seconds] = 1.0
"""Over how long what is sent is averaged: a whole picture alone is a burst."""


class Reports:
    """One client's. The library answers reports by itself, and keeps estimates to itself."""

    def __init__(self, congestion: Congestion, now: Callable[[], Seconds], changed: Callable[[Quality], None]) -> None:
        """`changed` is told what is to be sent from now on."""
        self._congestion = congestion
        self._now = now
        self._changed = changed
        self._mark: tuple[Seconds, int] | None = None

    def follow(self, sender: RTCRtpSender, sent: Callable[[], int]) -> None:
        """Take note of what comes back on a track of which `sent` bytes were sent so far."""
        handle = sender._handle_rtcp_packet

        async def noted(packet: AnyRtcpPacket) -> None:
            before = self._congestion.quality
            self._note(packet, sender._ssrc, sent)
            if self._congestion.quality != before:
                self._changed(self._congestion.quality)
            await handle(packet)

        sender._handle_rtcp_packet = noted  # type: ignore[method-assign]

    def _note(self, packet: AnyRtcpPacket, ssrc: int, sent: Callable[[], int]) -> None:
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == ssrc:
                    self._congestion.lost(report.fraction_lost / WHOLE, self._now())
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            try:
                estimate, ssrcs = unpack_remb_fci(packet.fci)
            except ValueError:
                return  # another application's
            if ssrc in ssrcs:
                self._estimated(estimate, sent())

    def _estimated(self, estimate: float, sent: int) -> None:
        now = self._now()
        if self._mark is not None:
            since, before = self._mark
            if now - since < RATE_OVER:
                return
            self._congestion.room(estimate, 8 * (sent - before) / (now - since), now)
        self._mark = now, sent
