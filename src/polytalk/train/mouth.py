"""The mouth net from nothing: voices speak, the net learns, a threshold is set, all of it is measured."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from polytalk.engines.models import sha256
from polytalk.engines.mouth.features import mel_frames
from polytalk.engines.mouth.mouthnet import MouthNet, shaped
from polytalk.train.augment import vary
from polytalk.train.dataset import Stream, samples, stream
from polytalk.train.evaluate import score
from polytalk.train.export import SHARPNESS, to_onnx
from polytalk.train.network import train
from polytalk.train.report import Row, card, rows
from polytalk.train.speech import Recordings, record_all
from polytalk.train.voices import Role, speakers
from polytalk.types import Speech

COPIES = {"kokoro": 10, "hibari": 4, "flite": 3}
"""How often each sentence of an engine is heard: once as it is, then varied. The voices of one engine are alike."""
WANTED = 0.95
"""Share of closures that must be seen, on the calibration voices, clean and varied."""


class Plan(NamedTuple):
    """What `polytalk train mouth` was asked for."""

    minutes: float
    steps: int
    seed: int
    jobs: int
    tarball: Path
    folder: Path
    """Where recordings are kept between runs."""
    out: Path
    heard: float = 1.0
    """Share of the usual speech by which the net is calibrated and tested."""


def train_mouth(plan: Plan, say: Callable[[str], None]) -> None:
    """Train; write the weights to `plan.out`, and their card beside them (`.md`).

    Raises ModelMissing, ModelCorrupt and SetupError for packages that are not there.
    """
    say("speaking")
    taught = [speaker for speaker in speakers(plan.minutes, plan.heard) if speaker.role is not Role.TEST]
    recordings = record_all(taught, plan.seed, plan.tarball, plan.folder, plan.jobs)
    say("listening")
    data = _listen(recordings, plan.seed)
    say(f"learning from {len(data.mouth) / 50 / 3600:.1f} h")
    weights = train(data, plan.steps, plan.seed, lambda step, loss: say(f"step {step} of {plan.steps}: {loss:.3f}"))
    plan.out.write_bytes(to_onnx(weights, 0.0))
    threshold = calibrate(plan.out, _of(recordings, Role.CALIBRATE), plan.seed, say)
    plan.out.write_bytes(to_onnx(weights, threshold))
    say(
        f"threshold {threshold:.3f}; {plan.out} has {plan.out.stat().st_size / 1000:.0f} kB, SHA-256 {sha256(plan.out)}"
    )
    net = MouthNet()
    net.load(plan.out)
    measured, notes = list[Row](), list[str]()
    for row in rows(net, plan.seed, plan.tarball, plan.folder, notes.append, plan.heard):
        measured.append(row)
        say(", ".join(f"{name} {value}" for name, value in row.items()))
    for note in notes:
        say(note)
    settings = {"minutes": plan.minutes, "steps": plan.steps, "seed": plan.seed, "threshold": round(threshold, 3)}
    plan.out.with_suffix(".md").write_text(card(plan.out, settings, recordings, measured, notes), "utf-8")


def calibrate(path: Path, speech: Sequence[Speech], seed: int, say: Callable[[str], None]) -> float:
    """The logit from which lips count as shut: the highest that shuts `WANTED` of those that should be."""
    net = MouthNet()
    net.load(path)
    random = np.random.default_rng(seed)
    heard = list(speech)
    for said in speech:
        audio, phones = vary(samples(said), said.phones, random)
        heard.append(Speech((audio * 32767).astype("<i2").tobytes(), phones))
    answers = net.say([mel_frames(samples(said)) for said in heard])
    for threshold in np.arange(1.5, -3.01, -0.125):
        moved = [shaped(mouth, closed, 1 / (1 + np.exp(-SHARPNESS * threshold))) for mouth, closed in answers]
        result = score(zip(moved, heard, strict=True))
        say(f"  logit {threshold:6.3f}: {result.hit_rate:.3f} of closures, {result.idle_rate:.3f} without reason")
        if result.hit_rate >= WANTED:
            break
    return float(threshold)


def _listen(recordings: Recordings, seed: int) -> Stream:
    random = np.random.default_rng(seed)
    streams = [
        stream(
            [
                s
                for speaker, said in recordings.items()
                if speaker.engine == engine and speaker.role is Role.TRAIN
                for s in said
            ],
            random,
            copies,
        )
        for engine, copies in COPIES.items()
    ]
    return Stream(*(np.concatenate(column) for column in zip(*streams, strict=True)))


def _of(recordings: Recordings, role: Role) -> list[Speech]:
    return [s for speaker, said in recordings.items() if speaker.role is role for s in said]
