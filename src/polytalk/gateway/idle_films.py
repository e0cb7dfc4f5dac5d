"""What may be asked of films of a face at rest."""

from collections.abc import Mapping

from polytalk.config import VideoSettings
from polytalk.dialogue.faces.idling import RESTS, Rest
from polytalk.errors import BadInput
from polytalk.gateway.realtime.avatar_options import picture_size
from polytalk.media.fragments import VIDEO_CODECS, VideoCodec


def idle_order(query: Mapping[str, str], video: VideoSettings) -> tuple[Rest, int, VideoCodec]:
    """State, size and codec, the settings' where they are left out. Raises BadInput."""
    state, codec, given = query.get("state", "idle"), query.get("codec", video.codec), query.get("size", "")
    if state not in RESTS:
        raise BadInput(f"a face at rest is one of {', '.join(RESTS)}, not {state!r:.40}", param="state")
    if codec not in VIDEO_CODECS:
        raise BadInput(f"codec is one of {', '.join(VIDEO_CODECS)}, not {codec!r:.40}", param="codec")
    if given and not (given.isascii() and given.isdigit() and len(given) < 5):
        raise BadInput(f"size is a number of pixels, not {given!r:.40}", param="size")
    size = int(given) if given else video.size
    return (
        next(one for one in RESTS if one == state),
        picture_size(size, size, video, "size"),
        next(one for one in VIDEO_CODECS if one == codec),
    )
