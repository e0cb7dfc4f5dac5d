"""How many threads one computation may be shared by."""

import os


def shared_by() -> int:
    """Two where OpenMP's threads may sleep while they wait for each other, else one.

    Two that spin are four times slower than one where cores are shared. What OpenMP does is settled by the
    environment before it is loaded.
    """
    sleeps = os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"
    return min(2, os.cpu_count() or 1) if sleeps else 1
