"""Whose face is measured: avatars of the library, and portraits made into avatars for as long as it takes."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from polytalk.avatar import intake, manifest
from polytalk.avatar.bundle import Avatar, Motion
from polytalk.avatar.library import Bundle, Library
from polytalk.avatar.making import Order, make
from polytalk.avatar.pictures import Frame
from polytalk.avatar.renderer import Renderer, open_renderer
from polytalk.errors import PolytalkError

SIDE = 512
HOLE = "mouth_hole"
"""The layer of a drawing that is the mouth's opening; what is inside of it is clipped to it."""
GREEN = "#00ff00"
_CONSENT = manifest.Consent("A test portrait, for a measurement and no longer.", "", "2026-01-01T00:00:00Z")


class Subject(NamedTuple):
    """One face at `SIDE` pixels."""

    name: str
    kind: str
    motion: Motion
    renderer: Renderer
    portrait: Frame
    """The photograph as it was framed; of a drawing, the face at rest."""
    ghost: Renderer | None
    """The same face with all that is inside of the mouth painted green; None where that can't be told."""


def subjects(
    library: Library,
    portraits: Path | None,
    cache: Path,
    told: Callable[[str], None],
    only: str | None = None,
    known: Collection[str] = (),
) -> Iterator[Subject]:
    """Every avatar of the library, then every portrait of the folder; or `only` one of them, and none of the `known`.

    `told` hears who was left out, and why.
    """
    for made in library.values():
        if only not in (None, made.id) or made.id in known:
            continue
        try:
            yield _subject(made)
        except PolytalkError as error:
            told(f"{made.id} was left out: {error.message}")
    if portraits is None:
        return
    for path in sorted(portraits.glob("*.jpg")):
        if only not in (None, path.stem) or path.stem in known:
            continue
        try:
            yield _of_portrait(path, library, cache)
        except PolytalkError as error:
            told(f"{path.stem} was left out: {error.message}")


def interior(picture: Frame) -> float:
    """Pixels of a ghost's picture in which the inside of the mouth shows, in parts where it shines through."""
    red, green, blue = np.moveaxis(picture.astype(np.float32), -1, 0)
    return float(np.clip((green - np.maximum(red, blue) - 24) / 200, 0, 1).sum())


def _of_portrait(path: Path, library: Library, cache: Path) -> Subject:
    with library.staging() as folder:
        order = Order(manifest.id_for(path.stem, library), {"en": path.stem[:40]}, "", _CONSENT)
        made = make(path.read_bytes(), order, folder, cache, lambda *_: None)
        return _subject(Bundle(made, folder))._replace(name=path.stem)


def _subject(made: Bundle) -> Subject:
    motion, renderer = open_renderer(made, SIDE)
    if made.kind == "illustrated":
        return Subject(made.id, made.kind, motion, renderer, renderer.frame({}), _drawn_ghost(made.art))
    portrait = intake.read((made.folder / manifest.PORTRAIT).read_bytes())
    return Subject(made.id, made.kind, motion, renderer, portrait, _photo_ghost(made))


def _drawn_ghost(art: Avatar) -> Renderer | None:
    from polytalk.avatar.drawn.renderer import open_drawing

    if all(layer.id != HOLE for layer in art.layers):
        return None
    inside = {layer.id for layer in art.layers if HOLE in (layer.id, layer.clip)}
    layers = [
        replace(layer, fill=GREEN if layer.fill else None, opacity=1.0 if layer.id == HOLE else layer.opacity)
        if layer.id in inside
        else layer
        for layer in art.layers
    ]
    return open_drawing(replace(art, layers=layers), (SIDE, SIDE))


def _photo_ghost(made: Bundle) -> Renderer:
    from polytalk.avatar.photo.face import PhotoFace
    from polytalk.avatar.photo.renderer import PhotoRenderer

    face = PhotoFace.load(made.folder / "face")
    parts = face.parts.copy()
    parts[..., :3] = (0, 255, 0)
    return PhotoRenderer(face._replace(parts=parts), SIDE)
