"""How much of messages that are not whole yet a client's data channels may leave with us.

SCTP tells a sender how much more it may send, and aiortc believes that it keeps to it: of a client that does not,
and ends no message, everything would be kept.
"""

from collections.abc import Callable
from typing import Any, Final

MOST_CHUNKS: Final = 4_096
"""In all streams. What the window has room for, 1 MiB, comes in less than a thousand."""
SLACK: Final = 64 << 10
"""Bytes beyond the window: a sender may try whether it is still shut."""
COUNT_EVERY: Final = 256
"""Chunks between two counts, which go through all streams."""


def bound(sctp: Any, lose: Callable[[], None]) -> None:
    """Call `lose` when the other end of an association sends more than the window, or too many pieces of it; after that
    nothing is taken."""
    receive = sctp._receive_data_chunk
    received = 0
    lost = False

    async def bounded(chunk: Any) -> None:
        nonlocal received, lost
        if lost:
            return
        received += 1
        many = received % COUNT_EVERY == 0 and _waiting(sctp) > MOST_CHUNKS
        if many or not chunk.user_data or sctp._advertised_rwnd < -SLACK:
            lost = True
            lose()
            return
        await receive(chunk)

    sctp._receive_data_chunk = bounded


def _waiting(sctp: Any) -> int:
    return sum(len(stream.reassembly) for stream in sctp._inbound_streams.values())
