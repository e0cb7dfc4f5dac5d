"""The generator of Wav2Lip (Prajwal et al., "A Lip Sync Expert Is All You Need", ACM MM 2020) as an ONNX graph.

    mel  [B, 1, 80, 16] ─▶ audio encoder ─▶ [B, 512, 1, 1] ─▶ decoder, seven blocks, each joined with
    face [B, 6, 96, 96] ─▶ face encoder, seven blocks ───────▶ the output of its own size ─▶ [B, 3, 96, 96]

The table below is the published layer table; names are those of its state dict. The graph is built from the weights
directly, batch normalisation folded into the convolutions, so neither torch nor the original code is needed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from polytalk.errors import BadInput, ModelMissing

Weights = Mapping[str, NDArray[Any]]
MEL_SHAPE = (1, 80, 16)
FACE_SHAPE = (6, 96, 96)
"""Blue, green and red of the face with its lower half black, then of the whole face; 0..1."""
EPSILON = 1e-5
"""Of batch normalisation, torch's default."""
OPSET = 17
BASE = 16
"""Channels of the first block; tests build thinner networks."""


class Layer(Struct, frozen=True):
    """A convolution, its normalisation, and ReLU."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: tuple[int, int] = (1, 1)
    padding: int = 1
    residual: bool = False
    grow: bool = False
    """A transposed convolution."""
    output_padding: int = 0
    bare: bool = False
    """Without normalisation and ReLU: the last one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its weight."""
        ends = (self.inputs, self.outputs) if self.grow else (self.outputs, self.inputs)
        return (*ends, self.kernel, self.kernel)

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """What it takes of a state dict."""
        head = self.name if self.bare else f"{self.name}.conv_block.0"
        yield f"{head}.weight", self.shape
        yield f"{head}.bias", (self.outputs,)
        if not self.bare:
            for what in ("weight", "bias", "running_mean", "running_var"):
                yield f"{self.name}.conv_block.1.{what}", (self.outputs,)


def face_encoder(base: int = BASE) -> list[list[Layer]]:
    """Seven blocks: 96, 48, 24, 12, 6, 3 and 1 pixels a side."""
    blocks = [[Layer("face_encoder_blocks.0.0", 6, base, 7, padding=3)]]
    for index, residuals in enumerate((2, 3, 2, 2, 1), 1):
        wide, name = base * 2**index, f"face_encoder_blocks.{index}"
        down = Layer(f"{name}.0", wide // 2, wide, stride=(2, 2))
        blocks.append([down, *(Layer(f"{name}.{n}", wide, wide, residual=True) for n in range(1, residuals + 1))])
    top = base * 32
    last = "face_encoder_blocks.6"
    return [*blocks, [Layer(f"{last}.0", top, top, padding=0), Layer(f"{last}.1", top, top, 1, padding=0)]]


def audio_encoder(base: int = BASE) -> list[Layer]:
    """From 80 bands by 16 moments to one vector."""
    layers: list[Layer] = []

    def add(inputs: int, outputs: int, **more: Any) -> None:
        layers.append(Layer(f"audio_encoder.{len(layers)}", inputs, outputs, **more))

    add(1, base * 2)
    for wide, stride, residuals in ((2, None, 2), (4, (3, 1), 2), (8, (3, 3), 2), (16, (3, 2), 1)):
        if stride is not None:
            add(base * wide // 2, base * wide, stride=stride)
        for _ in range(residuals):
            add(base * wide, base * wide, residual=True)
    add(base * 16, base * 32, padding=0)
    add(base * 32, base * 32, kernel=1, padding=0)
    return layers


def face_decoder(base: int = BASE) -> list[list[Layer]]:
    """Seven blocks: 1, 3, 6, 12, 24, 48 and 96 pixels a side."""
    blocks = [[Layer("face_decoder_blocks.0.0", base * 32, base * 32, 1, padding=0)]]
    table = ((64, 32, 1), (64, 32, 2), (48, 24, 2), (32, 16, 2), (20, 8, 2), (10, 4, 2))
    for index, (inputs, outputs, residuals) in enumerate(table, 1):
        name, wide = f"face_decoder_blocks.{index}", base * outputs
        first = index == 1
        up = Layer(
            f"{name}.0",
            base * inputs,
            wide,
            stride=(1, 1) if first else (2, 2),
            padding=0 if first else 1,
            grow=True,
            output_padding=0 if first else 1,
        )
        blocks.append([up, *(Layer(f"{name}.{n}", wide, wide, residual=True) for n in range(1, residuals + 1))])
    return blocks


def output_block(base: int = BASE) -> list[Layer]:
    """To three colours; a sigmoid follows."""
    last = Layer("output_block.1", base * 2, 3, 1, padding=0, bare=True)
    return [Layer("output_block.0", base * 5, base * 2), last]


def layers(base: int = BASE) -> list[Layer]:
    """All of them."""
    blocks = [*face_encoder(base), audio_encoder(base), *face_decoder(base), output_block(base)]
    return [layer for block in blocks for layer in block]


def check(weights: Weights, base: int = BASE) -> None:
    """Raises BadInput, which names what is missing, unexpected, or of another shape."""
    wanted = {name: shape for layer in layers(base) for name, shape in layer.tensors()}
    found = {name for name in weights if not name.endswith("num_batches_tracked")}
    missing, extra = sorted(wanted.keys() - found), sorted(found - wanted.keys())
    if missing or extra:
        raise BadInput(
            "this is the checkpoint of another model than Wav2Lip's generator: "
            + "; ".join(
                f"{_few(names)} {word}" for names, word in ((missing, "missing"), (extra, "unexpected")) if names
            )
        )
    for name, shape in wanted.items():
        if weights[name].shape != shape:
            raise BadInput(
                f"{name} is {_times(weights[name].shape)} and should be {_times(shape)}: a variant of another size, "
                "which is not supported"
            )
        if not np.isfinite(weights[name]).all():
            raise BadInput(f"{name} has values that are not numbers: the training diverged, or the file is damaged")


def export(weights: Weights, path: Path, base: int = BASE) -> None:
    """Write the graph. Raises BadInput for weights that do not fit, ModelMissing without the onnx package."""
    check(weights, base)
    try:
        import onnx
    except ImportError:
        raise ModelMissing("importing a model needs the package onnx: pip install 'polytalk[wav2lip]'") from None
    onnx.save(_Graph(weights, onnx).model(base), str(path))


class _Graph:
    def __init__(self, weights: Weights, onnx: Any) -> None:
        self._weights = weights
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def model(self, base: int) -> Any:
        helper, proto = self._onnx.helper, self._onnx.TensorProto
        features = ["face"]
        for block in face_encoder(base):
            features.append(self._chain(block, features[-1]))
        value = self._chain(audio_encoder(base), "mel")
        for index, block in enumerate(face_decoder(base)):
            value = self._node("Concat", [self._chain(block, value), features[-1 - index]], axis=1)
        value = self._chain(output_block(base), value)
        self._nodes.append(helper.make_node("Sigmoid", [value], ["picture"]))
        inputs = [helper.make_tensor_value_info("mel", proto.FLOAT, ["batch", *MEL_SHAPE])]
        inputs.append(helper.make_tensor_value_info("face", proto.FLOAT, ["batch", *FACE_SHAPE]))
        output = helper.make_tensor_value_info("picture", proto.FLOAT, ["batch", 3, *FACE_SHAPE[1:]])
        graph = helper.make_graph(self._nodes, "wav2lip", inputs, [output], self._constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        self._onnx.checker.check_model(made)
        return made

    def _chain(self, block: list[Layer], value: str) -> str:
        for layer in block:
            value = self._layer(layer, value)
        return value

    def _layer(self, layer: Layer, value: str) -> str:
        weight, bias = folded(layer, self._weights)
        names = [value, self._constant(f"{layer.name}.w", weight), self._constant(f"{layer.name}.b", bias)]
        attributes: dict[str, Any] = {
            "kernel_shape": [layer.kernel] * 2,
            "strides": list(layer.stride),
            "pads": [layer.padding] * 4,
        }
        if layer.grow:
            attributes["output_padding"] = [layer.output_padding] * 2
        result = self._node("ConvTranspose" if layer.grow else "Conv", names, **attributes)
        if layer.residual:
            result = self._node("Add", [result, value])
        return result if layer.bare else self._node("Relu", [result])

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _constant(self, name: str, values: NDArray[np.float32]) -> str:
        self._constants.append(self._onnx.numpy_helper.from_array(values, name))
        return name


def folded(layer: Layer, weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias of the convolution with its normalisation in them."""
    head = layer.name if layer.bare else f"{layer.name}.conv_block.0"
    weight, bias = weights[f"{head}.weight"].astype(np.float64), weights[f"{head}.bias"].astype(np.float64)
    if not layer.bare:
        gain, shift, mean, spread = (
            weights[f"{layer.name}.conv_block.1.{what}"].astype(np.float64)
            for what in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(spread + EPSILON)
        weight *= scale[None, :, None, None] if layer.grow else scale[:, None, None, None]
        bias = (bias - mean) * scale + shift
    return weight.astype(np.float32), bias.astype(np.float32)


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
