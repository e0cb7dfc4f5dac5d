"""What a network of Wav2Lip's published shape costs, with random weights: throughput alone, since they draw nothing."""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from polytalk.engines.synthesise import wav2lip_network as network
from polytalk.engines.synthesise.wav2lip import open_graph
from polytalk.errors import ModelMissing
from polytalk.types import Seconds

NAME, KIND = "wav2lip", "random weights"
FPS = 25
BATCHES = (1, 4, 16)
"""Pictures of so many sessions in one run."""
LEAST: Seconds = 1.0
"""Each size is run for so long, and at least twice; the large ones once, which is long enough."""
FEW = 16


def weights() -> dict[str, Any]:
    """Small enough that nothing overflows, of the published shapes; they cost what trained ones do."""
    chance = np.random.default_rng(0)
    return {
        name: np.ones(shape, np.float32)
        if name.endswith("running_var")
        else chance.normal(0, 0.02, shape).astype(np.float32)
        for layer in network.layers()
        for name, shape in layer.tensors()
    }


def open_random() -> Any:
    """A session of it. Raises ModelMissing where the package that writes graphs is not installed."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "random.onnx"
            network.export(weights(), path)
            return open_graph(path)
    except ImportError as error:
        raise ModelMissing(f"a network needs {error.name}. Run: pip install 'polytalk[wav2lip]'") from error


def costs(session: Any, batches: Iterable[int] = BATCHES) -> dict[int, Seconds]:
    """Of one picture, by pictures in a run: CPU time on a CPU, else by the clock."""
    picture(session, 1)  # the first run allocates
    return {batch: picture(session, batch) for batch in batches}


def picture(session: Any, batch: int) -> Seconds:
    """Of one picture: the median of runs."""
    inputs = {
        "mel": np.zeros((batch, *network.MEL_SHAPE), np.float32),
        "face": np.zeros((batch, *network.FACE_SHAPE), np.float32),
    }
    on_cpu = session.get_providers()[0].startswith("CPU")
    clock = time.process_time if on_cpu else time.perf_counter  # what others use of the cores is not ours
    took: list[Seconds] = []
    while len(took) < (1 if batch > FEW else 2) or sum(took) < LEAST:
        began = clock()
        session.run(None, inputs)
        took.append(clock() - began)
    return median(took) / batch
