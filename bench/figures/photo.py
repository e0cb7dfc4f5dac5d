"""A photographed face's pictures, drawn and encoded, against the encoder alone, which is the least it can cost.

Of the first photograph among this machine's avatars; without any, of made-up landmarks on a picture of skin.
"""

from collections.abc import Callable, Mapping
from statistics import median

from bench.plan import Plan
from bench.report import Figure, Row
from polytalk.avatar.library import Library
from polytalk.avatar.photo import PhotoFace, build
from polytalk.avatar.photo.measure import cost, speech
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.planes import Planes
from polytalk.avatar.stream import FaceStream
from polytalk.config import load_settings
from polytalk.media.h264 import PlaneEncoder
from polytalk.types import Seconds

SECONDS = 6.0
"""Of speech, a run."""
LIVE = 25.0
GOALS = {"whole picture": 1.6, "jaw patch": 0.36}
"""Milliseconds, all in."""
Moves = list[dict[str, float]]
Draw = Callable[[Mapping[str, float]], object]


def measure(plan: Plan) -> Figure:
    """Medians over runs, CPU time."""
    face, whose = _face()
    renderer = PhotoRenderer(face)
    warming = cost(lambda _: renderer.warm(), [{}])
    moves = speech(face.motion, SECONDS)
    left, top, right, bottom = face_box = renderer.face.jaw_box
    side = renderer.face.size
    rows: list[Row] = []
    for what, (width, height) in {
        "whole picture": (side, side),
        "jaw patch": (right - left, bottom - top),
    }.items():
        found = [_run(what, renderer, moves, width, height) for _ in range(max(3, plan.runs))]
        drawn, whole, bound, bits = (median(one[at] for one in found) for at in range(4))
        rows.append(
            {
                "what": f"{what}, {width} × {height}",
                "drawn ms": round(drawn * 1000, 3),
                "and encoded ms": round(whole * 1000, 3),
                "encoder alone ms": round(bound * 1000, 3),
                "goal ms": GOALS[what],
                "sessions a core": round(1 / whole / LIVE),
                "kbit/s": round(bits / 1000),
            }
        )
    once = min(cost(renderer.frame, moves[:50]) for _ in range(3))
    notes = [
        f"{whose}. Speaking all the time, 25 pictures a second, one thread; the mouth in {face_box}.",
        f"All {len(renderer.codebook.vectors)} patches drawn in {warming:.1f} s of CPU, once a process and face.",
        f"A picture by itself in RGB: {once * 1000:.2f} ms.",
        "The encoder alone gets the same pictures, drawn beforehand.",
    ]
    return Figure("photo", "Pictures of a photographed face", "1.6 ms whole, 0.36 ms jaw patch, all in", rows, notes)


def _run(
    what: str, renderer: PhotoRenderer, moves: Moves, width: int, height: int
) -> tuple[Seconds, Seconds, Seconds, float]:
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


def _drawer(what: str, renderer: PhotoRenderer, out: Planes) -> Draw:
    if what == "whole picture":
        return FaceStream(renderer, out).draw
    return lambda parameters: renderer.mouth(parameters, out)


def _face() -> tuple[PhotoFace, str]:
    avatars = Library(load_settings().avatars_folder)
    for key in avatars:
        if avatars[key].kind == "photo" and (folder := avatars[key].folder / "face").is_dir():
            return PhotoFace.load(folder), f"The avatar {key}"
    from tests.support import photographs

    points = photographs.face(width=220, middle=(256, 240))
    return build(photographs.skin(512, grain=3.0), points), "Made-up landmarks on a picture of skin"
