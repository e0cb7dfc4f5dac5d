"""`session.avatar` and what goes with it: who is shown, what clients draw by, and how films are sent."""

from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct

from polytalk.config import VideoSettings
from polytalk.dialogue.settings import Video
from polytalk.errors import BadInput
from polytalk.gateway.realtime.session_patch import Animation, AvatarPatch, Crop, VideoPatch
from polytalk.media.fragments import AUDIO_CODECS, VIDEO_CODECS, Encoding, VideoCodec
from polytalk.media.labels import LEAST_SIDE

T = TypeVar("T", bound=str)
Protocol: TypeAlias = Literal["websocket", "media", "webrtc"]
LARGEST = 1080
"""Pixels a side."""
LONGEST_STYLE = 64
LEAST_CROP = 32
BITRATES = 100_000, 8_000_000


class Film(Struct, frozen=True):
    """How pictures that are drawn here are sent."""

    protocol: Protocol
    """Over this socket, one of their own, or a call's video track."""
    video: Video
    encoding: Encoding


class AvatarOptions(Struct, frozen=True):
    """Beyond the character; none of it is on unless a client asks."""

    asked: bool = False
    """Whether `session.avatar` is set."""
    style: str | None = None
    film: Film | None = None
    blendshapes: bool = False
    visemes: bool = False
    words: bool = False
    """Whether each word's time is told."""

    @property
    def told(self) -> bool:
        """Whether the client knows events beyond the published ones."""
        return self.asked or self.blendshapes or self.visemes or self.words


def outputs_of(animation: Animation | None, *, asked: bool) -> tuple[bool, bool]:
    """Whether blendshapes are wanted, and visemes; an avatar means blendshapes, unless something else is said."""
    if animation is None:
        return asked, False
    return "blendshapes" in animation.outputs, "viseme_id" in animation.outputs


def read_style(style: str | None) -> str | None:
    """Raises BadInput."""
    if style is not None and len(style) > LONGEST_STYLE:
        raise BadInput(f"a style has {LONGEST_STYLE} characters at most", param="session.avatar.style")
    return style


class Tracks(Struct, frozen=True):
    """What a call over WebRTC was agreed to have."""

    codec: VideoCodec | None
    """Of its video track; None without one."""


def read_film(patch: AvatarPatch | None, ours: VideoSettings, tracks: Tracks | None = None) -> Film | None:
    """None when the client draws. On a call (`tracks`) pictures go by its track, whatever is asked. Raises BadInput."""
    protocol = _protocol(patch.output_protocol if patch else None, tracks)
    if protocol is None:
        return None
    given = (patch.video if patch else None) or VideoPatch()
    where = "session.avatar.video"
    size = ours.size, ours.size
    if given.resolution is not None:
        size = given.resolution.width, given.resolution.height
    side = picture_size(*size, ours, f"{where}.resolution")
    fps = ours.fps if given.fps is None else given.fps
    if not 1 <= fps <= ours.fps:
        raise BadInput(f"pictures a second are 1 to {ours.fps:g} here, not {fps:g}", param=f"{where}.fps")
    if given.background is not None and (given.background.color or given.background.image_url):
        raise BadInput(
            "what is behind an avatar is part of its picture here, and can't be changed; leave background out",
            param=f"{where}.background",
        )
    if tracks is not None and (given.crop is not None or given.bitrate):
        raise BadInput("a call's pictures are sent whole, at a rate that the network allows", param=where)
    bitrate = given.bitrate or 0
    if bitrate and not BITRATES[0] <= bitrate <= BITRATES[1]:
        raise BadInput(
            f"bitrate is {BITRATES[0]} to {BITRATES[1]} bits a second, not {bitrate}", param=f"{where}.bitrate"
        )
    agreed = tracks.codec if tracks is not None else None
    codec = _played(given.codec, agreed or ours.codec, (agreed,) if agreed else VIDEO_CODECS, f"{where}.codec")
    sound = _played(given.audio_codec, ours.audio_codec, AUDIO_CODECS, f"{where}.audio_codec")
    left, top, right, bottom = _cropped(given.crop, side, f"{where}.crop")
    if ours.label and min(right - left, bottom - top) < LEAST_SIDE:
        raise BadInput(f"the label that is printed here needs {LEAST_SIDE} pixels a side", param=f"{where}.crop")
    whole = (left, top, side, side) if given.crop is not None else None
    encoding = Encoding(right - left, bottom - top, codec, sound, bitrate, whole)
    return Film(protocol, Video(fps=fps, size=side), encoding)


def _cropped(crop: Crop | None, side: int, param: str) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is shown. Raises BadInput."""
    if crop is None:
        return 0, 0, side, side
    (left, top), (right, bottom) = crop.top_left, crop.bottom_right
    even = not any(edge % 2 for edge in (left, top, right, bottom))
    within = left >= 0 and top >= 0 and right <= side and bottom <= side
    if not even or not within or min(right - left, bottom - top) < LEAST_CROP:
        raise BadInput(
            f"a crop lies within {side}x{side} pixels, on even ones, at least {LEAST_CROP} apart; not "
            f"{crop.top_left} to {crop.bottom_right}",
            param=param,
        )
    return left, top, right, bottom


def _protocol(wanted: Protocol | None, tracks: Tracks | None) -> Protocol | None:
    where = "session.avatar.output_protocol"
    if wanted is not None and (tracks is None) == (wanted == "webrtc"):
        raise BadInput("pictures come over WebRTC to calls over WebRTC, and to no others", param=where)
    if tracks is None:
        return wanted
    if wanted is not None and tracks.codec is None:
        raise BadInput("this call has no video; offer a video section when you call", param=where)
    return "webrtc" if tracks.codec is not None else None


def _played(given: str | list[str] | None, ours: T, known: tuple[T, ...], param: str) -> T:
    """Of what a client can play, what the settings name, else the first that it names and we know. Raises BadInput."""
    played = [given] if isinstance(given, str) else given
    if played is None or ours in played:
        return ours
    for name in played:
        for one in known:
            if one == name:
                return one
    raise BadInput(
        f"films here are {' or '.join(map(str, known))}, not {', '.join(played)[:80] or 'none'}", param=param
    )


def picture_size(width: int, height: int, ours: VideoSettings, param: str) -> int:
    """The side of pictures that are drawn here. Raises BadInput."""
    if width != height or width % 2 or not 64 <= width <= LARGEST:
        raise BadInput(
            f"pictures are square, of an even 64 to {LARGEST} pixels a side, not {width}x{height}", param=param
        )
    if ours.label and width < LEAST_SIDE:
        raise BadInput(
            f"pictures of {width} pixels have no room for the label that is printed on them here; ask for at least "
            f"{LEAST_SIDE}",
            param=param,
        )
    return width


def shown_avatar(character: str, options: AvatarOptions) -> dict[str, Any]:
    """As clients see it."""
    film = options.film
    shown: dict[str, Any] = {"character": character, "output_protocol": film and film.protocol}
    if options.style is not None:
        shown["style"] = options.style
    if film is not None:
        size = film.video.size
        shown["video"] = {
            "codec": film.encoding.video,
            "audio_codec": film.encoding.audio,
            "resolution": {"width": size, "height": size},
            "fps": film.video.fps,
        }
        coded = film.encoding
        if coded.bitrate:
            shown["video"]["bitrate"] = coded.bitrate
        if coded.part_of is not None:
            left, top, *_ = coded.part_of
            corner = [left + coded.width, top + coded.height]
            shown["video"]["crop"] = {"top_left": [left, top], "bottom_right": corner}
    return shown
