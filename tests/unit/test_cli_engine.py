"""`polytalk engine import`, as typed."""

from pathlib import Path

import numpy as np
import pytest

from polytalk.cli import engine
from polytalk.cli.engine import take_in
from polytalk.cli.facebench.said import Said
from polytalk.engines.synthesise import wav2lip
from polytalk.engines.synthesise import wav2lip_network as network
from polytalk.errors import BadInput, ModelMissing
from polytalk.types import SPEECH_RATE
from tests.support.checkpoints import random_weights, write_legacy

pytest.importorskip("onnx", reason="importing a checkpoint needs onnx")


@pytest.fixture(autouse=True)
def _thin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A network of a sixteenth of the width: the whole one takes seconds."""
    monkeypatch.setenv("POLYTALK_CACHE_FOLDER", str(tmp_path / "cache"))
    export = network.export
    monkeypatch.setattr(network, "export", lambda weights, path: export(weights, path, 1))
    chance = np.random.default_rng(0)
    moved, noise = chance.integers(0, 255, (400, 9)).astype(np.uint8), chance.normal(0, 3000, 8 * SPEECH_RATE)
    monkeypatch.setattr(engine, "by_voice", lambda *_: [Said(noise.astype("<i2").tobytes(), (), moved.tobytes())])


def test_a_checkpoint_becomes_a_model_that_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = {f"module.{name}": values for name, values in random_weights(1).items()}
    write_legacy(tmp_path / "mine.pth", weights)
    take_in("wav2lip", tmp_path / "mine.pth", "mine")
    assert 'options = { model = "mine" }' in capsys.readouterr().out
    for draw in ("net", "codebook"):
        made = wav2lip.Wav2Lip({"model": "mine", "draw": draw})
        made.load()
        (drawn,) = made.run([made.probe()])
        assert np.asarray(getattr(drawn, "pixels", b"")).any()
        made.close()


def test_without_a_voice_a_model_is_taken_in_and_draws_no_codebooks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mute(*_: object) -> list[Said]:
        raise ModelMissing("no voice is installed")

    monkeypatch.setattr(engine, "by_voice", mute)
    write_legacy(tmp_path / "mine.pth", random_weights(1))
    take_in("wav2lip", tmp_path / "mine.pth", "mine")
    assert "no voice is installed" in capsys.readouterr().out
    with pytest.raises(ModelMissing, match="draw a codebook"):
        wav2lip.Wav2Lip({"model": "mine", "draw": "codebook"}).load()


def test_a_kind_that_is_not_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is wav2lip"):
        take_in("sadtalker", tmp_path / "x", "x")
