# mypy: ignore-errors
"""The sleep model in LitServe: `python litserve_app.py PORT`, in its own environment.

One API, as many workers as slots. Batching is LitServe's own, with `fast_queue`; a worker takes what is there, stage
by stage. An API for each stage would give each its own workers, and more slots than the machine has.
"""

import sys

import litserve as ls
from model import BATCH_WAIT, MAX_BATCH, SLOTS, compute


class SleepApi(ls.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request["stage"], request["units"]

    def batch(self, inputs):
        return inputs

    def predict(self, inputs):
        return compute(inputs) if MAX_BATCH > 1 else compute([inputs])[0]

    def unbatch(self, output):
        return output

    def encode_response(self, output):
        return {"took": output}


if __name__ == "__main__":
    api = SleepApi(max_batch_size=MAX_BATCH, batch_timeout=BATCH_WAIT, api_path="/run")
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=SLOTS, fast_queue=True, timeout=False)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning", num_api_servers=1
    )
