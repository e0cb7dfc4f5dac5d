"""The face at rest as a loop: its last picture goes over into its first, so it is drawn once for everybody."""

from msgspec.structs import replace

from polytalk.avatar.bundle import Motion
from polytalk.avatar.motion import Actor, Parameters
from polytalk.types import Seconds


def loop(motion: Motion, seconds: Seconds, fps: float, seed: int = 0) -> list[Parameters]:
    """Parameters of each picture of a loop. Breath and sway go round a whole number of times; lids end open."""
    idle = {
        name: [(amplitude, seconds / max(1, round(seconds / period)), phase) for amplitude, period, phase in waves]
        for name, waves in motion.idle.items()
    }
    actor = Actor(replace(motion, idle=idle), seed)
    count = round(seconds * fps)
    moves = [actor.at(index / fps) for index in range(count)]
    lids = motion.poses.idle.get("blink", 0.0)
    for move in reversed(moves):  # a blink that the loop would cut in two is left out
        if move["blink"] <= lids:
            break
        move["blink"] = lids
    return moves
