"""Checkpoints as torch writes them, made without torch: tensors, and what must not be opened."""

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.synthesise.wav2lip_network import layers

Weights = dict[str, NDArray[np.float32]]


def random_weights(base: int, seed: int = 0) -> Weights:
    """Of a Wav2Lip generator so thin, scaled so that signals neither vanish nor explode."""
    chance = np.random.default_rng(seed)
    made: Weights = {}
    for layer in layers(base):
        for name, shape in layer.tensors():
            if name.endswith("running_var"):
                made[name] = chance.uniform(0.5, 2.0, shape).astype(np.float32)
            elif len(shape) == 4:
                fan = int(np.prod(shape)) / layer.outputs
                made[name] = chance.normal(0, (2 / fan) ** 0.5, shape).astype(np.float32)
            else:
                near = 1.0 if name.endswith("1.weight") else 0.0
                made[name] = chance.normal(near, 0.1, shape).astype(np.float32)
    return made


class Global:
    """A name that the pickle asks for: "torch FloatStorage"."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Storage:
    """A storage, written by reference."""

    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


class Tensor:
    """A call of torch's function that rebuilds one."""

    def __init__(self, key: str, values: NDArray[np.float32], count: int | None = None) -> None:
        self.key, self.values = key, values
        self.count = values.size if count is None else count


_python: Any = pickle


class _Pickler(_python._Pickler):  # type: ignore[misc]  # the one in Python can be told new words
    def __init__(self, file: Any, legacy: bool) -> None:
        super().__init__(file, protocol=2)
        self.legacy = legacy

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            pid = ("storage", Global("torch", "FloatStorage"), obj.key, "cpu", obj.count)
            return (*pid, None) if self.legacy else pid
        return None

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        if isinstance(obj, Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Tensor):
            self.save(Global("torch._utils", "_rebuild_tensor_v2"))
            steps = tuple(step // 4 for step in obj.values.strides)
            self.save((Storage(obj.key, obj.count), 0, obj.values.shape, steps, False, OrderedDict()))
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def dumped(content: Any, *, legacy: bool = False) -> bytes:
    """As a pickle."""
    out = io.BytesIO()
    _Pickler(out, legacy).dump(content)
    pickletools.dis(out.getvalue(), io.StringIO())
    return out.getvalue()


def as_tensors(weights: Mapping[str, NDArray[np.float32]]) -> "OrderedDict[str, Tensor]":
    """Each with a storage of its own."""
    return OrderedDict((name, Tensor(str(key), values)) for key, (name, values) in enumerate(weights.items()))


def write_zip(path: Path, weights: Mapping[str, NDArray[np.float32]], content: Any = None) -> None:
    """torch 1.6 and later."""
    tensors = as_tensors(weights)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", dumped({"state_dict": tensors} if content is None else content))
        for key, values in enumerate(weights.values()):
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", "3\n")


def write_legacy(path: Path, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Before."""
    with path.open("wb") as file:
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "protocol_version": 1001}):
            pickle.dump(head, file, protocol=2)
        file.write(dumped({"state_dict": as_tensors(weights), "global_step": 3}, legacy=True))
        keys = [str(key) for key in range(len(weights))]
        pickle.dump(keys, file, protocol=2)
        for values in weights.values():
            file.write(values.size.to_bytes(8, "little") + values.tobytes())
