"""Faces to test with: made-up landmarks, pictures that are none of anybody, and the portraits where they are."""

import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from polytalk.avatar import landmarks_home, manifest
from polytalk.avatar import points as at
from polytalk.avatar.library import Bundle, Library, list_files
from polytalk.avatar.manifest import FILE, PREVIEW, Manifest
from polytalk.avatar.photo import PhotoFace, anatomy
from polytalk.avatar.points import Points

PORTRAITS = Path(__file__).parents[3] / "shared" / "portraits"
"""Beside a checkout, where there are any; never part of it."""
CONSENT = "I, Ann Lee, agree that my portrait speaks in these tests"


def face(
    width: float = 300, middle: tuple[float, float] = (400, 400), gap: float = 0.0, turn: float = 0.0, lean: float = 0.0
) -> Points:
    """Landmarks of a level face: those that checks look at where they belong, all others inside the oval.

    `turn` is yaw, `lean` roll, in degrees; `gap` is the opening of the mouth over its width.
    """
    points = np.zeros((478, 3), np.float32)
    named = {
        at.FOREHEAD: (0, -0.6, 0), at.CHIN: (0, 0.6, 0.17),
        at.LEFT_SIDE: (-0.5, -0.05, 0), at.RIGHT_SIDE: (0.5, -0.05, 0),
        at.NOSE_TIP: (0, 0.1, -0.3), at.LEFT_EYE[0]: (-0.3, -0.15, 0), at.LEFT_EYE[1]: (-0.1, -0.15, 0),
        at.RIGHT_EYE[0]: (0.3, -0.15, 0), at.RIGHT_EYE[1]: (0.1, -0.15, 0), at.BROWS_MIDDLE: (0, -0.25, -0.1),
        at.NOSE_ROOT: (0, -0.18, -0.1), at.NOSE_BRIDGE: (0, -0.12, -0.1), at.NOSE_BACK: (0, -0.05, -0.15),
    }  # fmt: skip
    _features(points)
    for index, spot in named.items():
        points[index] = spot
    spots = {at.LEFT_CHEEK: (-0.28, 0.1), at.RIGHT_CHEEK: (0.28, 0.1), at.BARE_FOREHEAD: (0, -0.45)}
    for indices, (x, y) in spots.items():
        for number, index in enumerate(indices):
            points[index] = (x + 0.06 * np.cos(number), y + 0.06 * np.sin(number), 0)
    for index, x, y in ((159, -0.2, -0.18), (145, -0.2, -0.12), (386, 0.2, -0.18), (374, 0.2, -0.12)):
        points[index] = (x, y, 0)
    points[70], points[300] = (-0.33, -0.25, 0), (0.33, -0.25, 0)
    for indices, height in ((anatomy.UPPER_OUTER, -0.06), (anatomy.LOWER_OUTER, 0.08)):
        _arch(points, indices, (-0.21, 0.33), (0.21, 0.33), height)
    for number, index in enumerate(at.INNER_LIPS):  # around the mouth from its left corner, over the top
        angle = np.pi - 2 * np.pi * number / len(at.INNER_LIPS)
        points[index] = (0.2 * np.cos(angle), 0.33 - 0.2 * gap * np.sin(angle), 0)
    turned = points * width @ _about(1, turn).T @ _about(2, lean).T + np.array([*middle, 0])
    return np.asarray(turned, np.float32)


def _features(points: Points) -> None:
    """What faces are built on: an oval, lids, irises, brows, the nose and the edge of the jaw."""
    for number, index in enumerate(anatomy.OVAL):
        angle = 2 * np.pi * number / len(anatomy.OVAL)
        points[index] = (0.5 * np.sin(angle), -0.6 * np.cos(angle), 0.1)
    for index in anatomy.NOSE:
        points[index] = (0.04 * (index % 3 - 1), 0.12, -0.2)
    points[anatomy.SIDES[0]], points[anatomy.SIDES[1]] = (-0.47, 0.2, 0), (0.47, 0.2, 0)
    for eye, brow, x in ((anatomy.EYES[0], anatomy.BROWS[0], -0.2), (anatomy.EYES[1], anatomy.BROWS[1], 0.2)):
        for indices, height in ((eye.upper, -0.03), (eye.lower, 0.03), (eye.crease, -0.06)):
            _arch(points, indices, (x - 0.1, -0.15), (x + 0.1, -0.15), height)
        _arch(points, brow, (x - 0.13, -0.25), (x + 0.13, -0.25), -0.03)
        for index, (across, down) in zip(eye.iris, ((0, 0), (0.03, 0), (0, -0.03), (-0.03, 0), (0, 0.03)), strict=True):
            points[index] = (x + across, -0.15 + down, 0)


def _arch(
    points: Points, indices: tuple[int, ...], left: tuple[float, float], right: tuple[float, float], height: float
) -> None:
    for share, index in zip(np.linspace(0, 1, len(indices)), indices, strict=True):
        x, y = np.array(left) * (1 - share) + np.array(right) * share
        points[index] = (x, y + height * np.sin(np.pi * share), 0)


def _about(axis: int, degrees: float) -> NDArray[np.float64]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    if axis == 1:
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def skin(side: int = 800, seed: int = 1, grain: float = 12.0, level: float = 150.0) -> NDArray[np.uint8]:
    """A square of the colour of skin with the grain of a photograph."""
    noise = np.random.default_rng(seed).normal(0, grain, (side, side, 1))
    return (np.array([1.15, 0.95, 0.85]) * level + noise).clip(0, 255).astype(np.uint8)


def person(points: Points, **skin_of: Any) -> NDArray[np.uint8]:
    """Skin with eyes and shut lips where the landmarks are."""
    rgb = skin(**skin_of)
    level = float(np.median(rgb)) / 150
    canvas, scale = Image.new("RGBA", (2 * rgb.shape[1], 2 * rgb.shape[0])), 2
    draw, wide = ImageDraw.Draw(canvas), at.face_width(points)

    def colour(*values: float) -> tuple[int, ...]:
        return tuple(int(min(255, level * value)) for value in values)

    def places(*indices: int) -> list[tuple[float, float]]:
        return [(scale * float(x), scale * float(y)) for x, y in points[list(indices), :2]]

    draw.polygon(places(*at.OUTER_LIPS), fill=colour(165, 85, 85))
    draw.line(places(78, *anatomy.LOWER_INNER, 308), fill=colour(60, 30, 30), width=max(3, int(0.03 * wide)))
    for eye in anatomy.EYES:
        draw.polygon(places(*eye.upper, *eye.lower[::-1]), fill=colour(190, 185, 180))
        (x, y), reach = places(eye.iris[0])[0], scale * 0.028 * wide
        draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=colour(50, 35, 30))
    small = np.asarray(canvas.resize(rgb.shape[1::-1], Image.Resampling.LANCZOS), np.float32)
    share = small[..., 3:] / 255
    return (rgb * (1 - share) + small[..., :3] * share).clip(0, 255).astype(np.uint8)


def with_glasses(
    rgb: NDArray[np.uint8],
    points: Points,
    thick: float = 0.05,
    tint: float = 0.0,
    rim: tuple[int, int, int] = (25, 22, 20),
) -> NDArray[np.uint8]:
    """Two rims, the bridge between them, and a window mirrored in each; `tint` darkens the glass, 0..1."""
    scale = 2
    canvas = Image.new("RGBA", (scale * rgb.shape[1], scale * rgb.shape[0]))
    draw = ImageDraw.Draw(canvas)
    eyes = [points[list(pair), :2].astype(np.float64) for pair in (at.LEFT_EYE, at.RIGHT_EYE)]
    wide = float(np.linalg.norm(eyes[0][0] - eyes[0][1]))
    line, middles = max(1, round(thick * wide * scale)), [eye.mean(0) + np.array([0, 0.12 * wide]) for eye in eyes]
    for x, y in middles:
        rx, ry = 0.95 * wide, 0.72 * wide
        glass = (20, 20, 25, round(255 * tint)) if tint else None
        box = [scale * value for value in (x - rx, y - ry, x + rx, y + ry)]
        draw.ellipse(box, fill=glass, outline=(*rim, 255), width=line)
        window = [scale * value for value in (x - 0.5 * rx, y - 0.4 * ry, x - 0.1 * rx, y - 0.75 * ry)]
        draw.line(window, fill=(255, 255, 255, 130), width=max(1, round(0.08 * wide * scale)))
    (left, y), (right, other) = middles
    height = (y + other) / 2 - 0.15 * wide
    bridge = [(left + 0.95 * wide, height), (right - 0.95 * wide, height)]
    draw.line([(scale * a, scale * b) for a, b in bridge], fill=(*rim, 255), width=line)
    over = canvas.resize(rgb.shape[1::-1], Image.Resampling.LANCZOS)
    return np.asarray(Image.alpha_composite(Image.fromarray(rgb).convert("RGBA"), over).convert("RGB"))


def with_mask(
    rgb: NDArray[np.uint8], points: Points, colour: tuple[int, int, int] = (150, 190, 215)
) -> NDArray[np.uint8]:
    """Cloth, or of skin's colour a hand, from the nose to the chin."""
    wide = at.face_width(points)
    x, y = points[list(at.OUTER_LIPS), :2].mean(axis=0)
    outline = [(x - 0.4 * wide, y - 0.22 * wide), (x + 0.4 * wide, y - 0.22 * wide), (x, y + 0.4 * wide)]
    mask = Image.new("L", rgb.shape[1::-1])
    ImageDraw.Draw(mask).polygon([(float(a), float(b)) for a, b in outline], fill=255)
    ImageDraw.Draw(mask).ellipse([x - 0.4 * wide, y - 0.3 * wide, x + 0.4 * wide, y + 0.35 * wide], fill=255)
    share = np.asarray(mask.filter(ImageFilter.GaussianBlur(1.5)), np.float32)[..., None] / 255
    cloth = np.array(colour) + np.random.default_rng(0).normal(0, 6, (*rgb.shape[:2], 1))
    return (rgb * (1 - share) + cloth * share).clip(0, 255).astype(np.uint8)


def with_hair(rgb: NDArray[np.uint8], points: Points, over: int) -> NDArray[np.uint8]:
    """Sixty strands across a landmark, a fifth of the face wide."""
    chance, picture = np.random.default_rng(3), Image.fromarray(rgb)
    wide, (x, y) = at.face_width(points), points[over, :2]
    for _ in range(60):
        middle = x + chance.normal(0, 0.08 * wide)
        colour = tuple(int(value) for value in np.array([40, 28, 20]) + chance.integers(0, 30))
        strand = [
            (middle - chance.normal(0, 0.02 * wide), y - 0.6 * wide),
            (middle, y),
            (middle + chance.normal(0, 0.04 * wide), y + 0.5 * wide),
        ]
        ImageDraw.Draw(picture).line(strand, fill=colour, width=max(2, int(wide / 120)))
    return np.asarray(picture)


def half_shaded(rgb: NDArray[np.uint8], points: Points, share: float) -> NDArray[np.uint8]:
    """The picture's left half of the face has `share` of its light."""
    away = (np.arange(rgb.shape[1])[None, :, None] - points[at.NOSE_TIP, 0]) / (0.03 * at.face_width(points))
    shaded: NDArray[np.uint8] = (rgb * (1 - (1 - share) / (1 + np.exp(np.clip(away, -50, 50))))).astype(np.uint8)
    return shaded


def encoded(rgb: NDArray[np.uint8] | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """As a file."""
    picture = rgb if isinstance(rgb, Image.Image) else Image.fromarray(rgb)
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def pretend_model(cache: Path, *faces: Points, size: tuple[int, int] = (800, 800), slow: bool = False) -> None:
    """Put something in the landmark model's place that sees these faces in every picture (of `size`)."""
    home = landmarks_home.home(cache)
    home.mkdir(parents=True)
    for name in ("numpy", "numpy.libs"):
        real = Path(np.__file__).parents[1] / name
        if real.exists():
            (home / name).symlink_to(real)
    seen = [(points / (size[0], size[1], size[0])).tolist() for points in faces]
    (home / "mediapipe.py").write_text(_MODEL.format(seen=seen, wait="while True: pass" if slow else "pass"))


_MODEL = """
from types import SimpleNamespace as N
class Seeing:
    def __init__(self, **options):
        {wait}
    def __enter__(self): return self
    def __exit__(self, *error): return None
class Mesh(Seeing):
    def process(self, picture):
        point = lambda p: N(x=p[0], y=p[1], z=p[2])
        return N(multi_face_landmarks=[N(landmark=[point(p) for p in face]) for face in {seen}])
class Detector(Seeing):
    def process(self, picture): return N(detections=None)
solutions = N(face_mesh=N(FaceMesh=Mesh), face_detection=N(FaceDetection=Detector))
"""


NOW = "2026-01-02T03:04:05Z"
PICTURE = encoded(skin(32))


def stage(folder: Path, key: str = "ann", **files: bytes) -> Manifest:
    """A photograph's bundle of made-up files."""
    (folder / "face").mkdir()
    (folder / "portrait.png").write_bytes(files.get("portrait", PICTURE))
    (folder / PREVIEW).write_bytes(PICTURE)
    (folder / "face" / "codes.bin").write_bytes(bytes(1000))
    consent = manifest.given_consent(CONSENT, "", NOW)
    made = Manifest(
        "polytalk-avatar/2", "photo", key, {"en": "Ann"}, "joe", "photo", "polytalk 0", list_files(folder), consent
    )
    (folder / FILE).write_bytes(msgspec.json.encode(made))
    return made


def put_built(library: Library, face: PhotoFace, key: str = "ann", points: Points | None = None) -> Bundle:
    """Add such a bundle whose face can be drawn; with its landmarks, by a network too."""
    with library.staging() as folder:
        made = stage(folder, key)
        if points is not None:
            (folder / "portrait.png").write_bytes(encoded(face.portrait))
            np.save(folder / "landmarks.npy", points)
        (folder / FILE).unlink()
        (folder / "face" / "codes.bin").unlink()
        face.save(folder / "face")
        (folder / FILE).write_bytes(msgspec.json.encode(structs.replace(made, files=list_files(folder))))
        return library.add(folder)


def put(library: Library, key: str = "ann", **files: bytes) -> Bundle:
    """Add such a bundle to a library."""
    with library.staging() as folder:
        stage(folder, key, **files)
        return library.add(folder)


def put_face(library: Library, face: PhotoFace, key: str) -> Bundle:
    """Add a bundle with a face that was built."""
    with library.staging() as folder:
        stage(folder, key, portrait=encoded(face.portrait))
        face.save(folder / "face")
        made = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
        made = msgspec.structs.replace(made, files=list_files(folder), name={"en": key.title()}, voice="heart")
        (folder / FILE).write_bytes(msgspec.json.encode(made))
        return library.add(folder)
