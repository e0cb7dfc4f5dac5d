"""Pictures of many sessions in one run of a network of Wav2Lip's size, against a loop in every session.

Weights are random: they cost what real ones do. Runs on the GPU when the installed onnxruntime has a provider for it.
"""

import time
from typing import Any

import numpy as np

from bench.figures.photo import SECONDS, of
from bench.plan import QUICK, Plan
from bench.report import Figure, Row
from polytalk.avatar.photo import build
from polytalk.avatar.photo.measure import speech
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.cli.facebench.wav2lip import costs, open_random
from polytalk.engines.synthesise import wav2lip_book as book
from polytalk.engines.synthesise import wav2lip_network as network
from polytalk.engines.synthesise.face_crop import of_face
from polytalk.types import Seconds
from tests.support import photographs

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
LIVE = 25.0


def measure(_: Plan) -> Figure:
    """Milliseconds a picture at each batch size: of CPU time on a CPU, else by the clock."""
    session = open_random()
    measured = costs(session, BATCHES)
    alone = measured[1]
    rows: list[Row] = [
        {
            "pictures a run": batch,
            "ms a picture": round(each * 1000, 2),
            "× alone": round(alone / each, 2),
            "sessions at 25 a second": round(1 / each / LIVE, 1),
        }
        for batch, each in measured.items()
    ]
    played, took = _codebook(session, alone)
    rows += played
    provider = session.get_providers()[0].removesuffix("ExecutionProvider")
    notes = [
        f"One thread on {provider}; row 1 is a loop in every session, the others join pictures of that many.",
        f"Codebook: {book.SHAPES} mouths drawn once for an avatar, in {took:.1f} s, then played; encoding included.",
    ]
    return Figure("wav2lip", "Wav2Lip's generator, random weights", "more than a loop in every session", rows, notes)


def _codebook(session: Any, alone: Seconds) -> tuple[list[Row], Seconds]:
    """What it takes to play one, and to draw it."""
    points = photographs.face(width=220, middle=(256, 240))
    face = build(photographs.skin(512, grain=3.0), points)
    chance = np.random.default_rng(1)
    mouths = chance.uniform(0, 1, (book.SHAPES, len(book.NAMES))).astype("<f4")
    mels = np.zeros((book.SHAPES, *network.MEL_SHAPE), np.float32)
    seen, drawn = of_face(face.portrait, points[:, :2]).input(), list[Any]()
    began = time.process_time()
    for at in range(0, book.SHAPES, book.STEP):
        pair = {"mel": mels[at : at + book.STEP], "face": np.repeat(seen[None], book.STEP, axis=0)}
        drawn.append(np.rint(session.run(None, pair)[0] * 255).astype(np.uint8))
    took = time.process_time() - began
    renderer = PhotoRenderer(face, 512)
    renderer.speak_with(book.NetMouths(face, points[:, :2], np.concatenate(drawn).tobytes() + mouths.tobytes()))
    rows: list[Row] = []
    for row in of("", renderer, speech(face.motion, SECONDS), QUICK):
        each = float(str(row["and encoded ms"]))
        rows.append(
            {
                "pictures a run": f"codebook, {row['what']}",
                "ms a picture": each,
                "× alone": round(1000 * alone / each, 2),
                "sessions at 25 a second": row["sessions a core"],
            }
        )
    return rows, took
