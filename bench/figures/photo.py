"""Pictures of faces from codebooks, drawn and encoded, against the encoder alone, which is the least it can cost.

Of the first photograph among this machine's avatars (without any, of made-up landmarks on a picture of skin), and of
the package's drawings. The rig is what is left where the client draws: the mouth alone.
"""

from collections.abc import Callable, Mapping
from statistics import median

from bench.plan import Plan
from bench.report import Figure, Row, Value
from polytalk.avatar.bundle import library
from polytalk.avatar.drawn.renderer import DrawnRenderer, open_drawing
from polytalk.avatar.library import Library
from polytalk.avatar.photo import PhotoFace, build
from polytalk.avatar.photo.measure import cost, speech
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.planes import Planes
from polytalk.avatar.raster import Renderer
from polytalk.avatar.stream import FaceStream, Layers
from polytalk.cli.facebench.cost import rig
from polytalk.cli.facebench.said import TEXTS, by_voice
from polytalk.config import load_settings
from polytalk.media.h264 import PlaneEncoder
from polytalk.types import Seconds

SECONDS = 6.0
"""Of speech, a run."""
LIVE = 25.0
GOALS = {"whole picture": 1.6, "jaw patch": 0.36}
"""Milliseconds, all in."""
COLUMNS = (
    "face",
    "what",
    "drawn ms",
    "and encoded ms",
    "encoder alone ms",
    "goal ms",
    "sessions a core",
    "kbit/s",
)
Moves = list[dict[str, float]]
Draw = Callable[[Mapping[str, float]], object]


def measure(plan: Plan) -> Figure:
    """Medians over runs, CPU time."""
    (said,) = by_voice(load_settings(), TEXTS[:1])
    seconds = min(rig(said) for _ in range(max(3, plan.runs)))
    nothing: dict[str, Value] = dict.fromkeys(COLUMNS)
    rows: list[Row] = [nothing | {"face": "any", "what": "rig", "sessions a core": round(1 / seconds)}]
    face, whose = photograph()
    photo = PhotoRenderer(face)
    warming = cost(lambda _: photo.warm(), [{}])
    once = min(cost(photo.frame, speech(face.motion, SECONDS)[:50]) for _ in range(3))
    rows += of("photograph", photo, speech(face.motion, SECONDS), plan)
    for avatar in library():
        drawing = open_drawing(avatar, photo.size)
        assert isinstance(drawing, DrawnRenderer)
        moves = speech(avatar.motion, SECONDS)
        painter = Renderer(avatar, photo.size)
        rows += of(avatar.id, drawing, moves, plan)
        whole = round(1000 * cost(painter.frame, moves[:25]), 3)
        rows.append(nothing | {"face": avatar.id, "what": "painted whole", "drawn ms": whole})
    notes = [
        f"{whose}. Speaking all the time, 25 pictures a second, one thread; what is drawn once was drawn before.",
        f"All {len(photo.codebook.vectors)} patches of the photograph drawn in {warming:.1f} s of CPU, once a face.",
        f"A picture of it by itself in RGB: {once * 1000:.2f} ms.",
        "The encoder alone gets the same pictures, drawn beforehand. Sessions without the mouth, which is the rig's.",
    ]
    return Figure("photo", "Pictures of faces from codebooks", "1.6 ms whole, 0.36 ms jaw patch, all in", rows, notes)


def of(name: str, renderer: Layers, moves: Moves, plan: Plan) -> list[Row]:
    """The whole picture and the mouth's part."""
    rows: list[Row] = []
    left, top, right, bottom = renderer.boxes[0]
    for what, (width, height) in {"whole picture": renderer.size, "jaw patch": (right - left, bottom - top)}.items():
        first = _drawer(what, renderer, Planes.empty(width, height))
        for parameters in moves:
            first(parameters)
        found = [_run(what, renderer, moves, width, height) for _ in range(max(3, plan.runs))]
        drawn, whole, bound, bits = (median(one[at] for one in found) for at in range(4))
        rows.append(
            {
                "face": name,
                "what": f"{what}, {width} × {height}",
                "drawn ms": round(drawn * 1000, 3),
                "and encoded ms": round(whole * 1000, 3),
                "encoder alone ms": round(bound * 1000, 3),
                "goal ms": GOALS[what],
                "sessions a core": round(1 / whole / LIVE),
                "kbit/s": round(bits / 1000),
            }
        )
    return rows


def _run(what: str, renderer: Layers, moves: Moves, width: int, height: int) -> tuple[Seconds, Seconds, Seconds, float]:
    """Of one picture: drawn, drawn and encoded, encoded alone; and bits a second."""
    bare, encoder = Planes.empty(width, height), PlaneEncoder(width, height, round(LIVE))
    drawn = cost(_drawer(what, renderer, bare), moves)
    draw, sizes = _drawer(what, renderer, Planes(*encoder.planes)), list[int]()

    def both(parameters: Mapping[str, float]) -> None:
        draw(parameters)
        sizes.append(len(encoder.encode()))

    whole = cost(both, moves)
    again, pictures = _drawer(what, renderer, bare), list[Planes]()
    for parameters in moves:
        again(parameters)
        pictures.append(Planes(*(plane.copy() for plane in bare)))
    alone, shown = PlaneEncoder(width, height, round(LIVE)), iter(pictures)
    box, bound = (0, 0, width, height), 0.0
    for picture in shown:
        Planes(*alone.planes).put(box, picture)
        bound += cost(lambda _: alone.encode(), [{}])
    return drawn, whole, bound / len(moves), 8 * sum(sizes) / (len(moves) / LIVE)


def _drawer(what: str, renderer: Layers, out: Planes) -> Draw:
    if what == "whole picture":
        return FaceStream(renderer, out).draw
    return lambda parameters: renderer.mouth(parameters, out)


def photograph() -> tuple[PhotoFace, str]:
    """A face, and whose it is."""
    avatars = Library(load_settings().avatars_folder)
    for key in avatars:
        if avatars[key].kind == "photo" and (folder := avatars[key].folder / "face").is_dir():
            return PhotoFace.load(folder), f"The avatar {key}"
    from tests.support import photographs

    points = photographs.face(width=220, middle=(256, 240))
    return build(photographs.skin(512, grain=3.0), points), "Made-up landmarks on a picture of skin"
