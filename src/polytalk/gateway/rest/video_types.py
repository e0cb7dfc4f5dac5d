"""The words of `/v1/videos`: the published API's, and what a talking head needs besides."""

import re
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.store.clips import Clip, Status

Format: TypeAlias = Literal["mp4", "webm", "gif"]
RATES = (10, 12, 15, 20, 24, 25, 30)
"""Pictures a second: whole numbers of samples fall on each."""
SMALLEST, LARGEST = 128, 1920
_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class VideoRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/videos`, as JSON or as a form's fields."""

    prompt: str = ""
    """What is said; with a recording only its title."""
    model: str | None = None
    """The avatar; left out, the default one."""
    size: str | None = None
    """Width x height of the clip. The avatar is as tall as the clip; beside it is `background`."""
    seconds: str | int | None = None
    """Taken, and without effect: a clip lasts as long as its speech."""
    voice: str | None = None
    speed: float = 1.0
    fps: int = 25
    format: Format = "mp4"
    background: str = "#000000"


class Order(Struct, frozen=True):
    """What is to be made, as it is kept."""

    prompt: str
    model: str
    """As the client named it."""
    avatar: str
    voice: str
    speed: float
    width: int
    height: int
    fps: int
    format: Format
    background: str
    recording: bool
    """Whether a recording was sent along."""
    folder: str
    """Which clips folder it belongs to."""


class VideoError(Struct, frozen=True):
    """Why it can't be made."""

    code: str
    message: str


class Video(Struct, frozen=True):
    """One job."""

    id: str
    status: Status
    progress: int
    """Per cent."""
    created_at: int
    completed_at: int | None
    expires_at: int | None
    model: str
    prompt: str | None
    seconds: str
    """Length of the clip; "0" until it is known."""
    size: str
    error: VideoError | None
    avatar: str
    voice: str
    fps: int
    format: Format
    background: str
    object: Literal["video"] = "video"
    remixed_from_video_id: None = None


class VideoList(Struct, frozen=True):
    """A page of them."""

    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: Literal["list"] = "list"


class VideoDeleted(Struct, frozen=True):
    """It is gone."""

    id: str
    deleted: bool = True
    object: Literal["video.deleted"] = "video.deleted"


def order_of(clip: Clip) -> Order:
    """What a job is to make."""
    return msgspec.convert(clip.request, Order)


def as_request(order: Order) -> dict[str, Any]:
    """As the store keeps it."""
    kept: dict[str, Any] = msgspec.to_builtins(order)
    return kept


def size_of(text: str | None, default: int) -> tuple[int, int]:
    """Width and height in pixels. Raises BadInput."""
    if text is None:
        return default, default
    match = _SIZE.fullmatch(text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (min(width, height) >= SMALLEST and max(width, height) <= LARGEST) or width % 2 or height % 2:
        raise BadInput(
            f"size is {text[:20]!r}; it must be such as 720x1280: even, {SMALLEST} to {LARGEST} wide and tall",
            param="size",
        )
    return width, height


def colour_of(text: str) -> tuple[int, int, int]:
    """Red, green and blue. Raises BadInput."""
    if not _COLOUR.fullmatch(text):
        raise BadInput(f"background is {text[:20]!r}; it must be a colour such as #1e2a38", param="background")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
