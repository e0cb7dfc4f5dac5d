"""Benchmarks: real clients against a real server process, over the Realtime protocol.

`python -m bench` measures everything and prints tables; `python -m bench first_audio` measures one figure. Results
are kept in `bench/out`, each with the machine it came from.
"""

import os

# As the server does (see polytalk.cli.main): read once by numpy and ctranslate2, so it must be set before either.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
