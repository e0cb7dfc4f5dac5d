"""Whether a rendered face is still the person of the photograph: distances between embeddings of faces.

The embedding is not ours and is served to nobody: it lives in an environment of its own, made by
`bench/identity/setup.sh`, and without it the figures are left out.
"""

import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar import intake
from polytalk.avatar.motion import perform
from polytalk.avatar.pictures import Frame
from polytalk.cli.facebench.identity_process import SIZE
from polytalk.cli.facebench.subjects import SIDE, Subject
from polytalk.errors import EngineFailed, PolytalkError, SetupError
from polytalk.types import Seconds

PYTHON = Path("bench/identity/.venv/bin/python")
"""Of the environment, where the bench is run in a checkout."""
PROCESS = Path(__file__).with_name("identity_process.py")
SAME = 0.6
"""Below this two pictures show the same person: the threshold that was published with the network."""
NO_PHOTO = "not a photo"
"""Said where the detector sees no face in a drawing."""
TIMEOUT: Seconds = 600.0
SPOKEN, RESTED = 8, 4
"""Pictures of speech and of listening."""
BLINKS = (0.35, 0.6, 0.85, 1.0)
LISTENED: Seconds = 12.0

Embeddings = NDArray[np.float32]
"""[pictures, 128]; NaN where no face was found."""


class Distances(NamedTuple):
    """From the photograph to the farthest rendered picture of a kind, and to the nearest other person."""

    speaking: float
    listening: float
    blinking: float
    others: float
    """NaN without other portraits."""
    missed: int
    """Pictures in which no face was found, of all."""
    looked: int


def embed(pictures: Sequence[Frame], python: Path = PYTHON) -> Embeddings:
    """Embed the largest face in each picture [H, W, 3]; a third of a second of one core each.

    Raises SetupError where the environment is missing, EngineFailed.
    """
    if not python.exists():
        raise SetupError(f"there is no face embedding at {python}; run: bash bench/identity/setup.sh")
    request = b"".join(struct.pack("<II", one.shape[1], one.shape[0]) + one.tobytes() for one in pictures)
    try:
        ran = subprocess.run([python, "-I", PROCESS], input=request, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise EngineFailed(f"embedding {len(pictures)} faces took longer than {TIMEOUT:.0f} s") from None
    if ran.returncode or len(ran.stdout) != len(pictures) * SIZE * 4:
        said = ran.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {ran.returncode}"]
        raise EngineFailed(f"embedding faces failed: {said[-1]}"[:500])
    return np.frombuffer(ran.stdout, "<f4").reshape(-1, SIZE)


def portraits(folder: Path | None, python: Path = PYTHON) -> dict[str, Embeddings]:
    """Of every portrait in a folder whose face is seen, by name, [128]. Raises SetupError, EngineFailed."""
    seen: dict[str, Frame] = {}
    for path in sorted(folder.glob("*.jpg")) if folder is not None else ():
        try:
            seen[path.stem] = small(intake.read(path.read_bytes()))
        except PolytalkError:
            continue  # the table says which portraits it left out
    found = embed(list(seen.values()), python)
    return {name: one for name, one in zip(seen, found, strict=True) if np.isfinite(one).all()}


def distances(
    subject: Subject, known: Mapping[str, Embeddings], moves: Sequence[dict[str, float]], python: Path = PYTHON
) -> Distances | None:
    """Of one face that speaks by `moves`; None where no face is seen in its portrait. Raises as `embed` does."""
    rest = list(perform(subject.motion, LISTENED, states=[(0.0, "listening")], seed=2))
    kinds = (
        moves[:: max(1, len(moves) // SPOKEN)][:SPOKEN],
        rest[:: max(1, len(rest) // RESTED)][:RESTED],
        [{"blink": share} for share in BLINKS],
    )
    pictures = [subject.renderer.frame(move) for kind in kinds for move in kind]
    own, *rendered = embed([small(subject.portrait), *pictures], python)
    if not np.isfinite(own).all():
        return None
    away = np.linalg.norm(np.array(rendered) - own, axis=1)
    ends = np.cumsum([len(kind) for kind in kinds])
    parts = [part[np.isfinite(part)] for part in np.split(away, ends[:-1])]
    others = [float(np.linalg.norm(one - own)) for name, one in known.items() if name != subject.name]
    speaking, listening, blinking = (float(part.max()) if part.size else np.nan for part in parts)
    return Distances(
        speaking, listening, blinking, min(others, default=np.nan), int(np.isnan(away).sum()), len(pictures)
    )


def small(picture: Frame) -> Frame:
    """At most `SIDE` pixels high and wide, as rendered ones are."""
    scale = SIDE / max(picture.shape[:2])
    return (
        picture
        if scale >= 1
        else np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    )
