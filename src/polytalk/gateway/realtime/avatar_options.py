"""`session.avatar` and what goes with it: who is shown, what clients draw by, and how films are sent."""

from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct

from polytalk.config import VideoSettings
from polytalk.dialogue.settings import Video
from polytalk.errors import BadInput
from polytalk.gateway.realtime.session_patch import Animation, AvatarPatch, VideoPatch
from polytalk.media.fragments import AUDIO_CODECS, VIDEO_CODECS, Encoding, VideoCodec
from polytalk.media.labels import LEAST_SIDE

T = TypeVar("T", bound=str)
Protocol: TypeAlias = Literal["websocket", "media", "webrtc"]
LARGEST = 1080
"""Pixels a side."""
LONGEST_STYLE = 64


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
    agreed = tracks.codec if tracks is not None else None
    codec = _played(given.codec, agreed or ours.codec, (agreed,) if agreed else VIDEO_CODECS, f"{where}.codec")
    sound = _played(given.audio_codec, ours.audio_codec, AUDIO_CODECS, f"{where}.audio_codec")
    return Film(protocol, Video(fps=fps, size=side), Encoding(side, side, codec, sound))


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
    return shown
