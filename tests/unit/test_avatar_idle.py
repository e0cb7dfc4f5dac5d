"""The face at rest goes round without a jump."""

import numpy as np
import pytest

from polytalk.avatar.idle import loop
from polytalk.avatar.library import Bundle, of_the_package
from polytalk.avatar.motion import Actor

FPS = 25.0
SHIPPED = list(of_the_package())


@pytest.mark.parametrize("avatar", SHIPPED, ids=lambda avatar: avatar.id)
@pytest.mark.parametrize("seed", range(4))
def test_the_step_from_the_last_picture_to_the_first_is_like_the_others(avatar: Bundle, seed: int) -> None:
    moves = loop(avatar.art.motion, 8.0, FPS, seed)
    names = sorted(moves[0])
    rows = np.array([[move[name] for name in names] for move in (*moves, moves[0])])
    steps = np.abs(np.diff(rows, axis=0)).max(axis=1)
    assert len(moves) == 200
    assert steps[-1] <= max(steps[:-1]) + 1e-9
    still = [name != "blink" for name in names]
    calm = np.abs(np.diff(rows[:, still], axis=0)).max(axis=1)
    assert calm[-1] <= 1.05 * calm[:-1].max()


def test_it_moves_as_the_face_does_by_itself_and_blinks() -> None:
    motion = SHIPPED[0].art.motion
    moves, actor = loop(motion, 8.0, FPS), Actor(motion)
    free = [actor.at(index / FPS) for index in range(200)]
    for name in motion.idle:
        assert np.ptp([move[name] for move in moves]) == pytest.approx(np.ptp([move[name] for move in free]), rel=0.5)
    assert max(move["blink"] for move in moves) > 0.9
    assert moves[-1]["blink"] == motion.poses.idle.get("blink", 0.0)
