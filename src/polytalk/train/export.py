"""The trained net as an ONNX file: half-precision weights, single-precision arithmetic, the threshold inside."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from polytalk.engines.mouth.features import MELS
from polytalk.train.dataset import LEARNT
from polytalk.train.network import DILATIONS, EPSILON, MIDDLE, SPREAD, Weights

SHARPNESS = 2.0
"""The logit of closure is multiplied by this, after the threshold was taken off."""


class _Graph:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; the name of its one output."""
        output = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """A weight, kept in 16 bits and widened when the file is read."""
        self.weights.append(numpy_helper.from_array(value.astype(np.float16), name))
        return self.op("Cast", name, to=TensorProto.FLOAT)

    def integers(self, name: str, *values: int) -> str:
        """Indices."""
        self.weights.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def scalar(self, name: str, value: float) -> str:
        """A number."""
        self.weights.append(numpy_helper.from_array(np.array(value, dtype=np.float32), name))
        return name

    def even(self, x: str) -> str:
        """Each frame of x [B, C, T] at the same RMS."""
        mean = self.op("ReduceMean", self.op("Mul", x, x), axes=[1], keepdims=1)
        return self.op("Div", x, self.op("Sqrt", self.op("Add", mean, "epsilon")))

    def convolve(self, name: str, x: str, layer: dict[str, Any], **attributes: Any) -> str:
        """A convolution over time of x [B, C, T]; weights come as [taps, in, out]."""
        kernel = self.constant(f"{name}.w", np.asarray(layer["w"]).transpose(2, 1, 0))
        return self.op("Conv", x, kernel, self.constant(f"{name}.b", np.asarray(layer["b"])), **attributes)


def to_onnx(weights: Weights, threshold: float) -> bytes:
    """`mel` [B, T, MELS] to `mouth` [B, F, LEARNT] and `closed` [B, F], 0.5 where the logit is `threshold`."""
    graph = _Graph()
    graph.scalar("epsilon", EPSILON)
    centred = graph.op("Sub", "mel", graph.scalar("middle", MIDDLE))
    x = graph.op("Transpose", graph.op("Div", centred, graph.scalar("spread", SPREAD)), perm=[0, 2, 1])
    x = graph.op("Relu", graph.convolve("hear", x, weights["hear"]))
    x = graph.op("Relu", graph.convolve("halve", x, weights["halve"], strides=[2]))
    axis = graph.integers("time", 2)
    for number, (layer, dilation) in enumerate(zip(weights["blocks"], DILATIONS, strict=True)):
        inner = graph.op("Relu", graph.convolve(f"block{number}", graph.even(x), layer, dilations=[dilation]))
        first, last = graph.integers(f"first{number}", dilation), graph.integers(f"last{number}", -dilation)
        x = graph.op("Add", graph.op("Slice", x, first, last, axis), inner)
    x = graph.even(x)
    mouth = graph.op("Transpose", graph.convolve("mouth", x, weights["mouth"]), perm=[0, 2, 1])
    shut = {"w": SHARPNESS * weights["closed"]["w"], "b": SHARPNESS * (weights["closed"]["b"] - threshold)}
    closed = graph.op("Squeeze", graph.op("Sigmoid", graph.convolve("closed", x, shut)), graph.integers("channel", 1))
    graph.nodes.append(helper.make_node("Identity", [mouth], ["mouth"]))
    graph.nodes.append(helper.make_node("Identity", [closed], ["closed"]))
    described = helper.make_graph(
        graph.nodes,
        "mouth",
        [helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["batch", "time", MELS])],
        [
            helper.make_tensor_value_info("mouth", TensorProto.FLOAT, ["batch", "frames", LEARNT]),
            helper.make_tensor_value_info("closed", TensorProto.FLOAT, ["batch", "frames"]),
        ],
        graph.weights,
    )
    model = helper.make_model(described, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
