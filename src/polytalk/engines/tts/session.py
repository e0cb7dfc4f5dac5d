"""onnxruntime sessions as a worker wants them: one thread each, and one inner tensor of the graph made visible."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime

_GRAPH = 7  # ModelProto.graph
_OUTPUT = 12  # GraphProto.output
_NAME = 1  # ValueInfoProto.name


def open_session(model: Path, *, inner: Sequence[str] = (), threads: int = 1) -> onnxruntime.InferenceSession:
    """A CPU session of `model` whose outputs are the model's own, then the tensors named in `inner`.

    A session's run releases the GIL. Raises onnxruntime's own error when a name in `inner` is no tensor of the graph.
    """
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads would eat others' cores
    settings.enable_mem_pattern = False  # every sentence has another length: one plan for each would pile up
    settings.log_severity_level = 3
    data = model.read_bytes() + _more_outputs(inner)
    return onnxruntime.InferenceSession(data, sess_options=settings, providers=["CPUExecutionProvider"])


def _more_outputs(names: Sequence[str]) -> bytes:
    """Bytes that add graph outputs to a serialised ModelProto when appended to it.

    Protocol Buffers merge the fields of concatenated messages, and repeated ones (`graph.output`) are concatenated:
    https://protobuf.dev/programming-guides/encoding/#last-one-wins. So the file needs neither parsing nor the onnx
    package; the type of an output without one is inferred.
    """
    outputs = b"".join(_field(_OUTPUT, _field(_NAME, name.encode())) for name in names)
    return _field(_GRAPH, outputs) if outputs else b""


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited field (wire type 2)."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
