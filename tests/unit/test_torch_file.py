"""Checkpoints are read without running what is in them; whatever else they are is said."""

import os
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.engines.synthesise.torch_file import read
from polytalk.errors import BadInput
from tests.support.checkpoints import Global, Tensor, dumped, write_legacy, write_zip

WEIGHTS = {
    "module.a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "module.b": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "step": np.array(7, np.float32),
}


@pytest.fixture(params=[write_zip, write_legacy])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "model.pth"
    request.param(path, WEIGHTS)
    return path


def test_tensors_are_what_was_saved_whatever_the_layout(file: Path) -> None:
    found = read(file)
    assert list(found) == ["a.weight", "b", "step"]
    for name, values in found.items():
        wanted = WEIGHTS.get(name, WEIGHTS.get(f"module.{name}"))
        assert wanted is not None
        flat = wanted if name != "b" else np.arange(6, dtype=np.float32).reshape(2, 3).T
        assert values.shape == flat.shape
        assert name == "b" or np.array_equal(values, flat)


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.0, 0.999), legacy=st.booleans())
def test_a_file_that_is_cut_short_is_refused(
    share: float, legacy: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "model.pth"
    (write_legacy if legacy else write_zip)(path, WEIGHTS)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadInput):
        read(path)


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_program_in_the_file_is_refused_and_not_run(zipped: bool, tmp_path: Path) -> None:
    path, mark = tmp_path / "model.pth", tmp_path / "it ran"
    if zipped:
        write_zip(path, WEIGHTS, content={"state_dict": {}, "extra": Bomb(mark)})
    else:
        path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(BadInput, match=r"wants to run posix\.mkdir"):
        read(path)
    assert not mark.exists()


def test_a_pickled_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    write_zip(path, {}, content={"state_dict": Global("models.wav2lip", "Wav2Lip")})
    with pytest.raises(BadInput, match=r"models\.wav2lip\.Wav2Lip.*save the model's state_dict"):
        read(path)


def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    short = np.zeros(4, np.float32)
    write_zip(path, {"a": short}, content={"a": Tensor("0", np.zeros((4, 4), np.float32), count=4)})
    with pytest.raises(BadInput, match="reaches beyond its numbers"):
        read(path)


def test_numbers_that_are_missing_are_told(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    write_zip(path, {}, content={"a": Tensor("9", np.zeros(4, np.float32))})
    with pytest.raises(BadInput, match="cut short"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>", dumped([1, 2])])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        read(path)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_and_none_crashes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "model.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", content)
    with suppress(BadInput):
        assert read(path) == {}
