"""Faces left to themselves: they blink, sway and change pose as living ones do."""

from itertools import pairwise

import numpy as np
import pytest

from polytalk.avatar.bundle import library
from polytalk.avatar.motion import Actor, mouth_at, perform
from polytalk.types import MOUTH_PARAMS

FACES = {avatar.id: avatar for avatar in library()}
faces = pytest.mark.parametrize("name", FACES)


@faces
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ten_to_twenty_blinks_a_minute(name: str, seed: int) -> None:
    lids = np.array([frame["blink"] for frame in perform(FACES[name].motion, 180.0, fps=50, seed=seed)])
    shut = lids > 0.5
    blinks = np.count_nonzero(shut[1:] & ~shut[:-1])
    assert 30 <= blinks <= 60
    assert lids.max() > 0.9


@faces
def test_never_still(name: str) -> None:
    frames = list(perform(FACES[name].motion, 30.0))
    for before, after in pairwise(frames):
        assert any(before[key] != after[key] for key in ("head_x", "head_y", "head_roll", "breath"))
    sway = np.array([frame["head_x"] for frame in frames])
    assert 0.1 < np.ptp(sway) < 1.0


@faces
def test_the_same_seed_gives_the_same_clip(name: str) -> None:
    motion = FACES[name].motion
    assert list(perform(motion, 20.0, seed=5)) == list(perform(motion, 20.0, seed=5))
    blinks = [[frame["blink"] for frame in perform(motion, 20.0, seed=seed)] for seed in (5, 6)]
    assert blinks[0] != blinks[1]


def test_a_pose_is_reached_smoothly_from_wherever_the_face_is() -> None:
    motion = FACES["mira"].motion
    actor, step = Actor(motion), 0.01
    actor.enter("thinking", 1.0)
    # Interrupted half-way: the next pose starts from the mixture.
    values = []
    for number in range(300):
        t = number * step
        if t >= 1.15:
            actor.enter("listening", t)
        values.append(actor.at(t)["gaze_x"])
    assert np.abs(np.diff(values)).max() < 0.05
    assert values[115] > values[99] + 0.1
    assert abs(values[-1]) < 0.2


def test_the_head_nods_only_with_its_own_voice() -> None:
    motion = FACES["theo"].motion
    loud = bytes([255, *[0] * 8]) * 200
    speaking = list(perform(motion, 4.0, states=[(0.0, "speaking")], mouth=loud))
    listening = list(perform(motion, 4.0, states=[(0.0, "listening")], mouth=loud))
    silent = list(perform(motion, 4.0, states=[(0.0, "speaking")]))
    assert speaking[-1]["head_y"] - silent[-1]["head_y"] == pytest.approx(motion.nod["head_y"], abs=0.01)
    idle = list(perform(motion, 4.0, states=[(0.0, "listening")]))
    assert listening[-1]["head_y"] == pytest.approx(idle[-1]["head_y"])


def test_the_mouth_is_read_between_its_frames_and_shut_outside() -> None:
    frames = np.zeros((2, len(MOUTH_PARAMS)))
    frames[1, 0] = 1.0
    assert mouth_at(frames, 0.01)["jaw"] == pytest.approx(0.5)
    assert mouth_at(frames, 0.03)["jaw"] == 1.0
    assert mouth_at(frames, 0.04) == mouth_at(frames, -0.01) == {}


def test_a_mouth_starts_when_its_audio_does() -> None:
    loud = bytes([255, *[0] * 8]) * 10
    jaws = [frame.get("jaw", 0.0) for frame in perform(FACES["mira"].motion, 1.0, mouth=loud, mouth_start=0.5)]
    assert [number for number, jaw in enumerate(jaws) if jaw] == [13, 14, 15, 16, 17]
