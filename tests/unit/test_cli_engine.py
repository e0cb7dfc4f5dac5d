"""`polytalk engine import`, as typed."""

from pathlib import Path

import numpy as np
import pytest

from polytalk.cli.engine import take_in
from polytalk.engines.synthesise import wav2lip
from polytalk.engines.synthesise import wav2lip_network as network
from polytalk.errors import BadInput
from tests.support.checkpoints import random_weights, write_legacy

pytest.importorskip("onnx", reason="importing a checkpoint needs onnx")


@pytest.fixture(autouse=True)
def _thin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A network of a sixteenth of the width: the whole one takes seconds."""
    monkeypatch.setenv("POLYTALK_CACHE_FOLDER", str(tmp_path / "cache"))
    export = network.export
    monkeypatch.setattr(network, "export", lambda weights, path: export(weights, path, 1))


def test_a_checkpoint_becomes_a_model_that_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = {f"module.{name}": values for name, values in random_weights(1).items()}
    write_legacy(tmp_path / "mine.pth", weights)
    take_in("wav2lip", tmp_path / "mine.pth", "mine")
    assert 'options = { model = "mine" }' in capsys.readouterr().out
    engine = wav2lip.Wav2Lip({"model": "mine"})
    engine.load()
    (drawn,) = engine.run([engine.probe()])
    assert np.asarray(getattr(drawn, "pixels", b"")).any()
    engine.close()


def test_a_kind_that_is_not_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is wav2lip"):
        take_in("sadtalker", tmp_path / "x", "x")
