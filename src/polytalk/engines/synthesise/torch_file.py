"""Tensors out of a torch checkpoint, without torch, and without running anything that is in it.

A checkpoint is a pickle, and a pickle is a program. This reader knows the few words that say "a tensor" and refuses a
file with any other. Both layouts are read: the zip archive (torch 1.6 and later), and the stream of pickles before it.
"""

import io
import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from polytalk.errors import BadInput

MAX_BYTES = 2 << 30
"""Of a file."""
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
TYPES: Mapping[str, str] = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
"""What torch calls a list of numbers."""
BROKEN = (
    pickle.UnpicklingError, EOFError, AttributeError, ValueError, TypeError, KeyError, IndexError, OverflowError,
    MemoryError, RecursionError, UnicodeDecodeError,
)  # fmt: skip
"""What the unpickler raises at bytes that are no pickle."""


@dataclass(frozen=True)
class _Type:
    """A storage's type, as the pickle names it."""

    name: str


@dataclass(frozen=True)
class _Storage:
    type: _Type
    key: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """Where a tensor's numbers are; they are read when everything is known."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The checkpoint's tensors by name: those of its `state_dict` if it has one.

    Raises BadInput for a file that is none, is cut short, or has a program in it.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInput(f"{path.name} has {size >> 20} MiB; a checkpoint of at most {MAX_BYTES >> 20} MiB is read")
        with path.open("rb") as file:
            content, storages = _zipped(file) if zipfile.is_zipfile(path) else _legacy(file)
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"{path.name} is damaged or cut short ({error}); download or copy it again") from None
    except BROKEN as error:
        raise BadInput(
            f"{path.name} is no torch checkpoint, or is cut short ({type(error).__name__}: {error})"
        ) from None
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise BadInput(f"{path.name} holds no table of tensors; save the model's state_dict()")
    return {
        str(name).removeprefix("module."): _numbers(tensor, storages, path.name)
        for name, tensor in content.items()
        if isinstance(tensor, _Tensor)
    }


def _zipped(file: IO[bytes]) -> tuple[Any, Callable[[_Storage], bytes]]:
    archive = zipfile.ZipFile(io.BytesIO(file.read()))
    root = next((name.removesuffix("data.pkl") for name in archive.namelist() if name.endswith("/data.pkl")), None)
    if root is None:
        raise BadInput("the file is a zip archive and no torch checkpoint: it has no data.pkl")
    if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder").strip() != b"little":
        raise BadInput("the checkpoint was written on a big-endian machine; save it again on another")

    def storage(of: _Storage) -> bytes:
        entry = archive.getinfo(f"{root}data/{of.key}")
        if entry.file_size > MAX_BYTES:
            raise BadInput(f"a tensor of {entry.file_size} bytes is in the checkpoint")
        return archive.read(entry)

    return _Words(io.BytesIO(archive.read(f"{root}data.pkl"))).load(), storage


def _legacy(file: IO[bytes]) -> tuple[Any, Callable[[_Storage], bytes]]:
    if _Words(file).load() != LEGACY_MAGIC or _Words(file).load() != LEGACY_PROTOCOL:
        raise pickle.UnpicklingError("it begins with something else")
    if _Words(file).load().get("little_endian") is not True:
        raise BadInput("the checkpoint was written on a big-endian machine; save it again on another")
    words = _Words(file)
    content = words.load()
    found: dict[str, bytes] = {}
    for key in _Words(file).load():
        count = int.from_bytes(file.read(8), "little")
        width = np.dtype(TYPES[words.storages[str(key)].type.name]).itemsize
        found[str(key)] = file.read(min(count, MAX_BYTES) * width)
    return content, lambda of: found[of.key]


class _Words(pickle.Unpickler):
    """Knows the words of tensors, and no others."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in TYPES:
            return _Type(name)
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
            ("torch._utils", "_rebuild_tensor"): _rebuild,
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
        }
        if (module, name) not in known:
            raise BadInput(
                f"the checkpoint wants to run {module}.{name}: a file with a program in it is not opened. Load it "
                "where it came from and save the model's state_dict() alone"
            )
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, storage_type, key, _, count, *_ = pid
        if kind != "storage" or not isinstance(storage_type, _Type):
            raise pickle.UnpicklingError(f"{kind!r} is no storage")
        storage = _Storage(storage_type, str(key), int(count))
        self.storages[storage.key] = storage
        return storage


def _rebuild(storage: _Storage, offset: int, size: Any, stride: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(map(int, size)), tuple(map(int, stride)))


def _numbers(tensor: _Tensor, read_storage: Callable[[_Storage], bytes], name: str) -> NDArray[Any]:
    """The tensor, copied out of its storage. Raises BadInput when it reaches beyond it."""
    dtype = np.dtype(TYPES[tensor.storage.type.name])
    try:
        data = read_storage(tensor.storage)
    except KeyError:
        raise BadInput(f"{name} is cut short: the numbers of a tensor are missing") from None
    if len(data) != tensor.storage.count * dtype.itemsize:
        raise BadInput(
            f"{name} is cut short: a tensor has {len(data)} bytes of {tensor.storage.count * dtype.itemsize}"
        )
    numbers = np.frombuffer(data, dtype)
    if min((tensor.offset, *tensor.shape, *tensor.stride), default=0) < 0 or len(tensor.shape) != len(tensor.stride):
        raise BadInput(f"{name} is damaged: a tensor has a negative size")
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.stride, strict=True))
    if 0 not in tensor.shape and last >= len(numbers):
        raise BadInput(f"{name} is damaged: a tensor reaches beyond its numbers")
    strides = tuple(step * dtype.itemsize for step in tensor.stride)
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)
    if tensor.storage.type.name == "BFloat16Storage":
        return (view.astype(np.uint32) << 16).view(np.float32)
    return view.copy()
