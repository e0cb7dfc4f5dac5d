"""The avatar bundle: a face as layered vector art with a delta for every parameter. docs/avatars.md is its manual."""

from functools import cached_property
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Meta, Struct

from polytalk.avatar.terms import PARAMETERS, parse_term
from polytalk.errors import BadInput

FORMAT = "polytalk-avatar/1"
POINT_NUMBERS = {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0}
"""How many coordinates each path command takes."""
MAX_BYTES = 2_000_000
"""Of one avatar.json: what a browser on a phone still reads at once."""

Color = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}\\Z")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Pixels: TypeAlias = float


class Gradient(Struct, frozen=True, omit_defaults=True):
    """Exactly one of `linear` (x1, y1, x2, y2) and `radial` (cx, cy, r); stops are (offset, colour, alpha)."""

    stops: Annotated[list[tuple[Share, Color, Share]], Meta(min_length=2, max_length=16)]
    linear: tuple[Pixels, Pixels, Pixels, Pixels] | None = None
    radial: tuple[Pixels, Pixels, Annotated[Pixels, Meta(gt=0)]] | None = None


Paint: TypeAlias = Color | Gradient


class Stroke(Struct, frozen=True):
    """A line of constant width along the path."""

    color: Color
    width: Annotated[Pixels, Meta(gt=0, le=200)]
    cap: Literal["butt", "round", "square"] = "round"


class Layer(Struct, frozen=True, omit_defaults=True):
    """One path, its paint, and how it moves."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    ops: Annotated[str, Meta(pattern="^M[MLQCZ]*\\Z", max_length=2000)]
    points: list[Pixels]
    depth: float = 0.0
    """Parallax: 0 stays with the background, 1 goes with the face, more stands out of it."""
    roll: float = 0.0
    """The share of the head's roll it takes."""
    deltas: dict[str, list[Pixels]] = {}
    """What each term adds to `points`."""
    fill: Paint | None = None
    stroke: Stroke | None = None
    opacity: Share = 1.0
    opacity_deltas: dict[str, float] = {}
    clip: str | None = None
    """The id of an earlier layer: nothing is painted outside its path."""


class HeadMove(Struct, frozen=True):
    """How far the head goes at a parameter of 1."""

    shift: tuple[Pixels, Pixels]
    roll: float
    """Degrees, clockwise."""


Wave: TypeAlias = tuple[float, Annotated[float, Meta(gt=0)], float]
"""Amplitude, period in seconds, phase in turns."""


class Blink(Struct, frozen=True):
    """When the eyes close by themselves."""

    every: tuple[Annotated[float, Meta(gt=0)], float]
    """Shortest and longest gap, seconds."""
    seconds: Annotated[float, Meta(gt=0)]


class Poses(Struct, frozen=True):
    """What is added to the parameters while the avatar is in a state."""

    idle: dict[str, float] = {}
    listening: dict[str, float] = {}
    thinking: dict[str, float] = {}
    speaking: dict[str, float] = {}


class Motion(Struct, frozen=True):
    """What the face does by itself."""

    idle: dict[str, list[Wave]]
    blink: Blink
    poses: Poses
    pose_seconds: Annotated[float, Meta(gt=0)]
    nod: dict[str, float] = {}


class Avatar(Struct, frozen=True, dict=True):
    """A face that can be shown. Layers are painted in order."""

    format: Literal["polytalk-avatar/1"]
    id: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}\\Z")]
    name: dict[str, str]
    """By ISO 639-1 code; "en" is always there."""
    voice: str
    style: str
    size: tuple[Annotated[int, Meta(ge=16, le=4096)], Annotated[int, Meta(ge=16, le=4096)]]
    background: Paint
    pivot: tuple[Pixels, Pixels]
    head: HeadMove
    layers: Annotated[list[Layer], Meta(min_length=1, max_length=500)]
    motion: Motion

    @cached_property
    def json(self) -> bytes:
        """The bundle as the browser gets it."""
        return msgspec.json.encode(self)


class _Readable(Protocol):
    def read_bytes(self) -> bytes: ...


def load(path: str | Path) -> Avatar:
    """Read and check an avatar.json; raises BadInput that names the place of the fault."""
    return _load(Path(path), str(path))


def library() -> list[Avatar]:
    """The avatars of this package, by id."""
    folders = sorted(resources.files(__package__).joinpath("library").iterdir(), key=lambda folder: folder.name)
    return [_load(folder / "avatar.json", folder.name) for folder in folders if folder.is_dir()]


def _load(file: _Readable, where: str) -> Avatar:
    try:
        return parse(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{where}: can't be read ({error.strerror}); give the path of an avatar.json") from None
    except BadInput as error:
        raise BadInput(f"{where}: {error.message}", param=error.param) from None


def parse(data: bytes) -> Avatar:
    """Check the bytes of an avatar.json; raises BadInput."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"the bundle has {len(data)} bytes; {MAX_BYTES} at most, so draw fewer points")
    try:
        avatar = msgspec.json.decode(data, type=Avatar)
    except msgspec.DecodeError as error:
        raise BadInput(f"not a {FORMAT} bundle: {error}") from None
    _check(avatar)
    return avatar


def _check(avatar: Avatar) -> None:
    if "en" not in avatar.name:
        raise BadInput('the avatar has no English name; add "en" to `name`', param="name")
    _check_paint(avatar.background, "background")
    seen: set[str] = set()
    for layer in avatar.layers:
        _check_layer(layer, seen)
        seen.add(layer.id)
    _check_motion(avatar.motion)


def _check_layer(layer: Layer, seen: set[str]) -> None:
    where = f"layer {layer.id!r}"
    if layer.id in seen:
        raise BadInput(f"{where} is there twice; give every layer an id of its own", param=layer.id)
    if layer.clip is not None and layer.clip not in seen:
        raise BadInput(f"{where} is clipped by {layer.clip!r}, which is no earlier layer", param=layer.id)
    if any(before == "Z" and after != "M" for before, after in pairwise(layer.ops)):
        raise BadInput(f"{where} draws on after Z; start the next subpath with M", param=layer.id)
    count = sum(POINT_NUMBERS[op] for op in layer.ops)
    if len(layer.points) != count:
        raise BadInput(f"{where} has {len(layer.points)} numbers in `points`, its ops take {count}", param=layer.id)
    for term, delta in layer.deltas.items():
        _check_term(term, where)
        if len(delta) != count:
            raise BadInput(f"{where} has {len(delta)} numbers in delta {term!r}, not {count}", param=layer.id)
    for term in layer.opacity_deltas:
        _check_term(term, where)
    if layer.fill is not None:
        _check_paint(layer.fill, where)


def _check_term(term: str, where: str) -> None:
    try:
        parse_term(term)
    except BadInput as error:
        raise BadInput(f"{where}: {error.message}", param=where) from None


def _check_paint(paint: Paint, where: str) -> None:
    if isinstance(paint, Gradient):
        if (paint.linear is None) == (paint.radial is None):
            raise BadInput(f"{where} has a gradient that is not either `linear` or `radial`", param=where)
        if any(after[0] < before[0] for before, after in pairwise(paint.stops)):
            raise BadInput(f"{where} has gradient stops that go back; sort them by offset", param=where)


def _check_motion(motion: Motion) -> None:
    poses = motion.poses
    for table in (motion.idle, motion.nod, poses.idle, poses.listening, poses.thinking, poses.speaking):
        for name in table:
            if name not in PARAMETERS:
                raise BadInput(f"motion moves {name!r}; there are {', '.join(PARAMETERS)}", param="motion")
    if motion.blink.every[1] < motion.blink.every[0]:
        raise BadInput(f"motion.blink.every is {motion.blink.every}; put the shorter gap first", param="motion")
