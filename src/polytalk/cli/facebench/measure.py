"""A row for every face, and what to think of it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from polytalk.avatar.library import Library
from polytalk.avatar.motion import perform
from polytalk.cli.facebench import cost, identity, lips, looks, wav2lip
from polytalk.cli.facebench.said import Said, by_people, by_voice
from polytalk.cli.facebench.subjects import Subject, subjects
from polytalk.config import Settings
from polytalk.errors import PolytalkError

GOALS = (
    "offset ≤ 45 ms, shut ≥ 95 % (people 85 %), seam ≤ 1.1, identity ≤ 0.6, 10–20 blinks a minute; "
    "sessions a core: rig 800, jaw 110, full 25"
)
NOTES = (
    "On pictures of 512 × 512 as clips have them, three sentences. Opening: by landmarks for photographs, for drawings "
    "the visible inside of the mouth in pixels. After vowels: by phone times.",
    "m b p: lips shut within ± 60 ms of its middle, by landmarks (gap under 0.03 of the width) and by pixels.",
    "Identity: distance of dlib's face embedding from the photograph to the farthest of 8 pictures of speech, 4 of "
    "listening, 4 of a blink; published as the same person below 0.6. Other: the nearest of the other portraits.",
    "Shape: rigid landmarks' RMS distance after the best similarity, in % of the eyes' distance. Colour: 1 - "
    "intersection of histograms. The worst of 8 pictures.",
    "Jitter: RMS change of the forehead's step from one picture of a live stream to the next.",
    "Sway: RMS of the nose's way over an idle minute, in % of the eyes' distance. Sessions: CPU time of one thread, "
    "with mouth, motion and H.264 (ultrafast); rig is the mouth alone. What is drawn once and kept was drawn before.",
)
Row = dict[str, str | float | int | None]
People: TypeAlias = Mapping[str, identity.Embeddings]
"""Embeddings of the portraits, by name."""
LIKE = 8
"""Pictures of speech that are held against the portrait."""


def faces(
    settings: Settings,
    portraits: Path | None,
    told: Callable[[str], None],
    only: str | None = None,
    known: Collection[str] = (),
) -> Iterator[Row]:
    """Measure every face there is, or one; those that are `known` are left out.

    Raises SetupError where the landmark model is missing, EngineFailed.
    """
    spoken, people = by_voice(settings), by_people(told)
    library = Library(settings.avatars_folder)
    others = _people(portraits, told)
    for subject in subjects(library, portraits, settings.cache_folder, told, only, known):
        yield row(subject, spoken, people, others, settings.cache_folder)


def row(subject: Subject, spoken: Sequence[Said], people: Sequence[Said], others: People | None, cache: Path) -> Row:
    """One face. Without `others` whose face it is is not measured."""
    seen = [lips.opening(subject, said, cache) for said in spoken]
    ruler = "area" if subject.kind == "illustrated" else "gap"
    both = list(zip(seen, spoken, strict=True))
    vowels = lips.offset([(getattr(one, ruler), lips.vowels(said, one.moments)) for one, said in both])
    loud = lips.offset([(getattr(one, ruler), lips.loudness(said, one.moments)) for one, said in both])
    told = np.array([lips.seals(one, said) for one, said in both]).sum(0)
    heard = np.zeros(3, int)
    for said in people:
        heard += lips.seals(lips.opening(subject, said, cache, lips.near(said)), said)
    life = looks.life(subject, cache)
    moves = list(perform(subject.motion, spoken[0].lasts, states=[(0.0, "speaking")], mouth=spoken[0].mouth))
    some = [subject.renderer.frame(move) for move in moves[:: max(1, len(moves) // LIKE)]]
    like = looks.likeness(subject.renderer.frame({}), some, cache)
    live = cost.sessions(subject, spoken[0])
    return {
        "face": subject.name,
        "kind": subject.kind,
        "after vowels ms": round(1000 * vowels),
        "after loudness ms": round(1000 * loud),
        "m b p": int(told[0]),
        "shut %": _share(told[1], told[0]),
        "by pixels": _share(told[2], told[0]),
        "people %": _share(heard[1], heard[0]),
        "by pixels ": _share(heard[2], heard[0]),
        "seam ×": _seam(subject, moves),
        "shape %": round(like.shape, 1),
        "colour": round(like.colour, 3),
        **_identity(subject, others, moves),
        "blinks/min": life.blinks,
        "sway %": round(life.sway, 1),
        "jitter px": round(looks.jitter(subject, moves, cache), 2),
        "jaw ms": round(live.jaw_ms, 2),
        "full ms": round(live.full_ms, 1),
        "rig": round(live.rig),
        "jaw": round(live.jaw),
        "full": round(live.full, 1),
    }


def network(told: Callable[[str], None]) -> Row | None:
    """What the network of Wav2Lip costs, a row whose other figures need a checkpoint; None, and `told` why, if none."""
    try:
        found = wav2lip.costs(wav2lip.open_random())
    except PolytalkError as error:
        told(f"wav2lip was left out: {error.message}")
        return None
    shown = ", ".join(f"{count}: {1000 * each:.1f}" for count, each in found.items())
    told(
        f"wav2lip: the published network with random weights, so that throughput is all it has; its lips are measured "
        f"with a checkpoint of yours. CPU ms a picture by pictures of several sessions in one run: {shown}."
    )
    best = min(found.values())
    return {
        "face": wav2lip.NAME,
        "kind": wav2lip.KIND,
        "full ms": round(1000 * best, 1),
        "full": round(1 / best / wav2lip.FPS, 1),
    }


def _people(portraits: Path | None, told: Callable[[str], None]) -> People | None:
    try:
        return identity.portraits(portraits)
    except PolytalkError as error:
        told(f"identity was left out: {error.message}")
        return None


def _identity(subject: Subject, others: People | None, moves: Sequence[dict[str, float]]) -> Row:
    names = ("identity, speaking", "listening", "blinking", "other")
    if others is None:
        return dict.fromkeys(names)
    found = identity.distances(subject, others, moves)
    if found is None:
        return dict.fromkeys(names, identity.NO_PHOTO)
    values = (found.speaking, found.listening, found.blinking, found.others)
    return {name: None if np.isnan(value) else round(value, 2) for name, value in zip(names, values, strict=True)}


def _share(part: int, of: int) -> float | None:
    return round(100 * int(part) / int(of), 1) if of else None


def _seam(subject: Subject, moves: Sequence[dict[str, float]]) -> float | None:
    if subject.kind == "illustrated":
        return None  # nothing in it is blended, and it is itself what the patch is cut of
    from polytalk.avatar.photo.measure import seam
    from polytalk.avatar.photo.renderer import PhotoRenderer

    assert isinstance(subject.renderer, PhotoRenderer)
    return round(seam(subject.renderer, moves), 2)
