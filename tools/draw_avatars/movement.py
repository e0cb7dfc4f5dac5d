"""What both faces do by themselves; each has its own phases so that two on a page do not move together."""

from polytalk.avatar.bundle import Blink, Motion, Poses
from tools.draw_avatars.geometry import CENTRE, Field, move


def breathing() -> dict[str, Field]:
    """How the shoulders follow the breath."""
    return {"breath": lambda p: move(0.012 * (p[:, 0] - CENTRE), -2.2)}


def motion(phase: float) -> Motion:
    """Slow sums of incommensurable sines: never still, never the same."""

    def waves(*terms: tuple[float, float]) -> list[tuple[float, float, float]]:
        return [(amp, period, round((phase + 0.37 * i) % 1, 2)) for i, (amp, period) in enumerate(terms)]

    return Motion(
        idle={
            "head_x": waves((0.16, 7.3), (0.08, 3.9), (0.03, 1.7)),
            "head_y": waves((0.12, 5.7), (0.06, 3.1)),
            "head_roll": waves((0.14, 9.1), (0.06, 4.3)),
            "gaze_x": waves((0.10, 6.1), (0.05, 2.3)),
            "gaze_y": waves((0.06, 7.7), (0.03, 2.9)),
            "breath": waves((1.0, 4.2)),
            "brow": waves((0.05, 8.3), (0.03, 3.7)),
        },
        blink=Blink(every=(2.6, 5.6), seconds=0.16),
        poses=Poses(
            idle={"smile": 0.44},
            listening={"smile": 0.46, "brow": 0.24, "head_roll": 0.38, "head_y": 0.12},
            thinking={
                "smile": 0.08,
                "gaze_x": 0.55,
                "gaze_y": -0.6,
                "brow": 0.30,
                "head_x": 0.25,
                "head_y": -0.22,
                "head_roll": -0.2,
            },
            speaking={"smile": 0.22, "brow": 0.08},
        ),
        pose_seconds=0.35,
        nod={"head_y": 0.25, "brow": 0.2},
    )
