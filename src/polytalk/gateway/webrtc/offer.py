"""What a client offers, checked before anything is opened for it. Pure: a text in, what it asks for out."""

from typing import Final, Literal, TypeAlias

from aiortc.codecs import CODECS
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.sdp import MediaDescription, SessionDescription
from msgspec import Struct
from msgspec.structs import replace

from polytalk.errors import BadInput
from polytalk.gateway.address import is_public, same_host

INVALID: Final = "invalid_offer"
MOST_SECTIONS: Final = 8
MOST_CANDIDATES: Final = 64
"""In all sections …"""
MOST_CHECKED: Final = 16
"""… and of those that are kept: checks are sent to each."""
LEAST_PORT: Final = 1024
"""Below it services listen, and no client."""
Codec: TypeAlias = Literal["vp8", "h264"]
_UNREADABLE = (ValueError, AssertionError, KeyError, IndexError, AttributeError, TypeError, StopIteration)
"""What the parser raises for what is no SDP."""


class Offer(Struct, frozen=True):
    """What a client wants."""

    sdp: str
    """As it is to be answered."""
    speaks: bool
    """Whether sound comes from it."""
    video: bool
    """Whether it has a section for pictures."""
    codecs: tuple[Codec, ...]
    """In which it would see them, the one it likes best first; empty if it does not want any."""
    events: bool
    """Whether it has a data channel."""

    @property
    def codec(self) -> Codec | None:
        """The one it likes best; None if it wants no pictures."""
        return self.codecs[0] if self.codecs else None

    def watching(self, codec: Codec | None) -> "Offer":
        """The same of one who watches a call whose pictures, if it has any, are made in `codec`. Raises BadInput."""
        if codec is not None and self.codecs and codec not in self.codecs:
            raise BadInput(
                f"this call's pictures are {codec.upper()}, made once for all; the offer has "
                + ", ".join(one.upper() for one in self.codecs),
                code=INVALID,
                param="sdp",
            )
        return replace(self, speaks=False, codecs=(codec,) if codec is not None and self.codecs else ())


def read(text: str, asker: str) -> Offer:
    """Check an offer that came from the address `asker`. Raises BadInput with code `invalid_offer`."""
    if not text.startswith("v=0"):
        raise BadInput("this is no SDP: an offer begins with v=0", code=INVALID, param="sdp")
    if text.count("a=candidate:") > MOST_CANDIDATES:
        raise BadInput(f"an offer may have {MOST_CANDIDATES} candidates", code=INVALID, param="sdp")
    sdp = _without_strange_candidates(text, asker)
    try:
        parsed = SessionDescription.parse(sdp)
        answerable = [media for media in parsed.media if media.kind != "application"]
        unsafe = any(not (media.ice.usernameFragment and media.ice.password) for media in parsed.media)  # type: ignore[union-attr]
        unsigned = any(media.dtls is None or not media.dtls.fingerprints for media in parsed.media)
    except _UNREADABLE as error:
        raise BadInput(f"this SDP can't be read: {error or type(error).__name__}", code=INVALID, param="sdp") from None
    if len(parsed.media) > MOST_SECTIONS:
        raise BadInput(f"an offer may have {MOST_SECTIONS} sections", code=INVALID, param="sdp")
    audio = _only(parsed, "audio")
    if audio is None:
        raise BadInput("the offer has no audio; add a track or a transceiver for it", code=INVALID, param="sdp")
    if audio.port == 0 or audio.direction == "inactive":
        raise BadInput("the offer's audio is inactive; nothing could be heard either way", code=INVALID, param="sdp")
    if not _has(audio, "opus"):
        raise BadInput(f"audio over WebRTC is Opus; the offer has {_names(audio)}", code=INVALID, param="sdp")
    if unsafe or unsigned:
        raise BadInput(
            "each section of an offer needs a=ice-ufrag, a=ice-pwd, a=fingerprint and a=setup",
            code=INVALID,
            param="sdp",
        )
    names = [media.rtp.muxId for media in parsed.media]
    if not all(names) or len(set(names)) < len(names):
        raise BadInput("each section of an offer needs an a=mid of its own", code=INVALID, param="sdp")
    if any(not media.rtcp_mux for media in answerable):
        raise BadInput("RTP and RTCP share a port here; the offer needs a=rtcp-mux", code=INVALID, param="sdp")
    video = _only(parsed, "video")
    codecs = () if video is None else _codecs(video)
    if video is not None and not codecs:
        raise BadInput(
            "video is VP8, or H264 of the baseline profile in packetization mode 1; the offer has " + _names(video),
            code=INVALID,
            param="sdp",
        )
    return Offer(
        sdp,
        speaks=audio.direction in (None, "sendrecv", "sendonly"),
        video=video is not None,
        codecs=codecs if video is not None and video.direction in (None, "sendrecv", "recvonly") else (),
        events=any(media.kind == "application" for media in parsed.media),
    )


def _only(parsed: SessionDescription, kind: str) -> MediaDescription | None:
    found = [media for media in parsed.media if media.kind == kind]
    if len(found) > 1:
        raise BadInput(f"an offer may have one section of {kind}, not {len(found)}", code=INVALID, param="sdp")
    return found[0] if found else None


def _codecs(video: MediaDescription) -> tuple[Codec, ...]:
    names = [codec.name.lower() for codec in find_common_codecs(CODECS["video"], video.rtp.codecs)]
    known: tuple[Codec, ...] = ("vp8", "h264")
    return tuple(sorted((codec for codec in known if codec in names), key=names.index))


def _has(media: MediaDescription, codec: str) -> bool:
    return any(one.name.lower() == codec for one in media.rtp.codecs)


def _names(media: MediaDescription) -> str:
    return ", ".join(sorted({codec.name for codec in media.rtp.codecs})) or "nothing that is described"


def _without_strange_candidates(text: str, asker: str) -> str:
    """Checks go to every candidate before anybody has shown that it is his (RFC 8445, 19.5.1), so those are left out by
    which a client would have this server send into networks that it can't reach itself, or look up names. Nothing is
    lost: clients call us, and are answered where they call from; browsers hide the same candidates themselves."""
    kept, checked = [], 0
    for line in text.splitlines():
        if line.startswith("a=end-of-candidates"):
            continue  # they call from others as well
        if line.startswith("a=candidate:"):
            if checked == MOST_CHECKED or not _may_be_checked(line, asker):
                continue
            checked += 1
        kept.append(line)
    return "\r\n".join(kept) + "\r\n"


def _may_be_checked(line: str, asker: str) -> bool:
    words = line.split()
    if len(words) < 6 or words[2].lower() != "udp" or not words[5].isdecimal() or len(words[5]) > 5:
        return False
    return int(words[5]) >= LEAST_PORT and (is_public(words[4]) or same_host(words[4], asker))
