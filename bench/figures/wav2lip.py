"""Pictures of many sessions in one run of a network of Wav2Lip's size, against a loop in every session.

Weights are random: they cost what real ones do. Runs on the GPU when the installed onnxruntime has a provider for it.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.plan import Plan
from bench.report import Figure, Row
from polytalk.engines.synthesise import wav2lip_network as network
from polytalk.engines.synthesise.wav2lip import open_graph
from polytalk.types import Seconds

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
LEAST: Seconds = 1.0
"""Each size is run for so long, and at least twice; the large ones once, which is long enough."""
FEW = 16
LIVE = 25.0


def weights() -> dict[str, Any]:
    """Small enough that nothing overflows, of the published shapes."""
    chance = np.random.default_rng(0)
    return {
        name: np.ones(shape, np.float32)
        if name.endswith("running_var")
        else chance.normal(0, 0.02, shape).astype(np.float32)
        for layer in network.layers()
        for name, shape in layer.tensors()
    }


def measure(_: Plan) -> Figure:
    """Milliseconds a picture at each batch size: of CPU time on a CPU, else by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.onnx"
        network.export(weights(), path)
        session = open_graph(path)
        _time(session, 1)  # the first run allocates
        rows, alone = list[Row](), 0.0
        for batch in BATCHES:
            each = _time(session, batch)
            alone = alone or each
            rows.append(
                {
                    "pictures a run": batch,
                    "ms a picture": round(each * 1000, 2),
                    "× alone": round(alone / each, 2),
                    "sessions at 25 a second": round(1 / each / LIVE, 1),
                }
            )
    provider = session.get_providers()[0].removesuffix("ExecutionProvider")
    notes = [f"One thread on {provider}; row 1 is a loop in every session, the others join pictures of that many."]
    return Figure("wav2lip", "Wav2Lip's generator, random weights", "more than a loop in every session", rows, notes)


def _time(session: Any, batch: int) -> Seconds:
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
