"""The mouth by ear against the mouth by phone times: on voices that taught the net, on others, on people; and its cost.

Every voice says sentences that were in no training. What is missing on this machine is left out, and said. Another net
than the shipped one is measured by BENCH_MOUTH=FILE in the environment.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.plan import Plan
from bench.report import Figure
from polytalk.config import load_settings
from polytalk.engines.mouth.mouthnet import MouthNet
from polytalk.engines.tts.kokoro_voices import PACKAGE
from polytalk.train.evaluate import analysed
from polytalk.train.report import rows
from polytalk.types import SPEECH_RATE, Features, Speech

BATCHES = (1, 2, 4, 8, 16, 32, 64)
SENTENCE = 3.0
"""Seconds of the speech whose cost is measured."""


def measure(plan: Plan) -> Figure:
    """95 of 100 lips must be shut for a synthesised voice, 85 for people."""
    net = MouthNet()
    other = os.environ.get("BENCH_MOUTH")
    net.load(Path(other) if other else None)
    folder = load_settings().cache_folder / "training"
    folder.mkdir(parents=True, exist_ok=True)
    notes: list[str] = [f"Not the shipped net: {other}."] if other else []
    tarball = folder / f"{PACKAGE.replace('@', '-')}.tgz"
    measured = list(rows(net, 0, tarball, folder, notes.append))
    return Figure(
        "mouth",
        "The mouth by ear",
        "shut ≥ 95 % synthesised, ≥ 85 % people; later ≤ 45 ms",
        measured,
        [*notes, *_costs(net)],
    )


def _costs(net: MouthNet) -> Sequence[str]:
    random = np.random.default_rng(0)
    audio = (random.normal(0, 0.1, round(SENTENCE * SPEECH_RATE)) * 32767).astype("<i2").tobytes()
    speech = Speech(audio)
    features = analysed([speech])
    shares = [f"{count}: {_cpu(net, features * count):.2f}" for count in BATCHES]
    began = time.process_time()
    for _ in range(20):
        analysed([speech])
    ears = (time.process_time() - began) / 20 / SENTENCE * 1000
    return [f"CPU ms per second of speech by sentences in a batch: {', '.join(shares)}; hearing (mel) {ears:.2f} each"]


def _cpu(net: MouthNet, heard: Sequence[Features]) -> float:
    count = len(heard)
    net.move(heard)
    repeats = max(2, 32 // count)
    began = time.process_time()
    for _ in range(repeats):
        net.move(heard)
    return (time.process_time() - began) / repeats / count / SENTENCE * 1000
