"""The Wav2Lip engine: its graph is the published network, sessions share a run, and the mouth goes back seamlessly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.engines import models
from polytalk.engines.synthesise import face_crop, wav2lip, wav2lip_mel
from polytalk.engines.synthesise import wav2lip_network as network
from polytalk.engines.synthesise.wav2lip import Wav2Lip
from polytalk.errors import BadInput, ModelCorrupt, ModelMissing
from polytalk.types import SPEECH_RATE, Pictures, SynthesiseWork
from tests.support.checkpoints import Weights, random_weights, write_zip

pytest.importorskip("onnx", reason="importing a checkpoint needs onnx")
Floats = NDArray[np.float64]
THIN = 1


def convolve(x: Any, layer: network.Layer, weights: Weights) -> Any:
    """As the definition has it: unfolded, in loops over the kernel."""
    head = layer.name if layer.bare else f"{layer.name}.conv_block.0"
    weight, bias = weights[f"{head}.weight"].astype(float), weights[f"{head}.bias"].astype(float)
    (down, across), pad, size = layer.stride, layer.padding, layer.kernel
    if layer.grow:
        full = np.zeros((len(x), layer.outputs, (x.shape[2] - 1) * down + size, (x.shape[3] - 1) * across + size))
        for i in range(size):
            for j in range(size):
                part = np.einsum("bchw,co->bohw", x, weight[:, :, i, j])
                full[:, :, i : i + down * x.shape[2] : down, j : j + across * x.shape[3] : across] += part
        extra = layer.output_padding
        grown = np.pad(full, ((0, 0), (0, 0), (0, extra), (0, extra)))
        y = grown[:, :, pad : grown.shape[2] - pad, pad : grown.shape[3] - pad]
    else:
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))[:, :, ::down, ::across]
        y = np.einsum("bchwij,ocij->bohw", windows, weight, optimize=True)
    y = y + bias[None, :, None, None]
    if layer.bare:
        return y
    norm = {name: weights[f"{layer.name}.conv_block.1.{name}"].astype(float)[None, :, None, None]
            for name in ("weight", "bias", "running_mean", "running_var")}  # fmt: skip
    y = (y - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-5) * norm["weight"] + norm["bias"]
    return np.maximum(y + x if layer.residual else y, 0)


def reference(weights: Weights, mel: Floats, face: Floats) -> Floats:
    def chain(block: list[network.Layer], x: Floats) -> Floats:
        for layer in block:
            x = convolve(x, layer, weights)
        return x

    features = [face]
    for block in network.face_encoder(THIN):
        features.append(chain(block, features[-1]))
    x = chain(network.audio_encoder(THIN), mel)
    for index, block in enumerate(network.face_decoder(THIN)):
        x = np.concatenate([chain(block, x), features[-1 - index]], axis=1)
    return np.asarray(1 / (1 + np.exp(-chain(network.output_block(THIN), x))))


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights(THIN)


@pytest.fixture(scope="module")
def graph(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "thin.onnx"
    network.export(weights, path, THIN)
    return path


def test_the_table_has_the_published_size() -> None:
    count = sum(
        int(np.prod(shape)) for layer in network.layers() for name, shape in layer.tensors() if "running" not in name
    )
    assert count == 36_298_035


def test_the_graph_computes_what_the_definition_says(weights: Weights, graph: Path) -> None:
    chance = np.random.default_rng(1)
    mel, face = chance.normal(0, 2, (2, *network.MEL_SHAPE)), chance.uniform(0, 1, (2, *network.FACE_SHAPE))
    inputs = {"mel": mel.astype(np.float32), "face": face.astype(np.float32)}
    (drawn,) = wav2lip.open_graph(graph).run(None, inputs)
    wanted = reference(weights, mel, face)
    assert drawn.shape == (2, 3, 96, 96)
    assert wanted.std() > 0.01, "else all pictures are alike"
    assert np.abs(drawn - wanted).max() < 1e-4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("output_block.1.bias"), r"output_block\.1\.bias missing"),
        (lambda w: w.update({"disc.weight": np.zeros(1, np.float32)}), r"disc\.weight unexpected"),
        (lambda w: w.update({"output_block.1.bias": np.zeros(4, np.float32)}), r"is 4 and should be 3"),
        (lambda w: w.update({"output_block.1.bias": np.full(3, np.nan, np.float32)}), "not numbers"),
    ],
)
def test_weights_of_another_model_are_refused_by_name(change: Any, said: str, weights: Weights, tmp_path: Path) -> None:
    changed = dict(weights)
    change(changed)
    with pytest.raises(BadInput, match=said):
        network.export(changed, tmp_path / "x.onnx", THIN)
    assert not (tmp_path / "x.onnx").exists()


@pytest.fixture
def engine(graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wav2Lip:
    monkeypatch.setattr(models, "_cache", tmp_path)
    target = wav2lip.graph_file("thin")
    target.parent.mkdir(parents=True)
    target.write_bytes(graph.read_bytes())
    made = Wav2Lip({"model": "thin", "frames": 8})
    made.load()
    return made


def portrait() -> face_crop.FaceCrop:
    picture = np.random.default_rng(2).integers(0, 255, (256, 256, 3)).astype(np.uint8)
    points = np.zeros((478, 2))
    points[:] = (128, 128)
    points[0], points[1] = (70, 128), (190, 128)
    points[10], points[152] = (128, 50), (128, 200)
    return face_crop.of_face(picture, points)


def work(count: int = 3, form: str = "full", seed: int = 0, size: int = 256) -> SynthesiseWork:
    sound = np.random.default_rng(seed).normal(0, 3000, SPEECH_RATE).astype("<i2").tobytes()
    return SynthesiseWork("ann", "/ann", ("jaw",), bytes(4 * count), (size, size), form, 25.0, sound, 0.2)  # type: ignore[arg-type]


def test_pictures_of_many_sessions_go_through_the_network_together_and_are_those_of_each_alone(
    engine: Wav2Lip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav2lip, "_photograph", lambda work: None)
    monkeypatch.setattr(wav2lip, "crop", lambda avatar, size: portrait())
    works = [work(3, "full", 1), work(7, "jaw", 2), work(1, "jaw", 3)]
    together = engine.run(works)
    for one, result in zip(works, together, strict=True):
        (alone,) = engine.run([one])
        assert isinstance(result, Pictures)
        assert isinstance(alone, Pictures)
        assert result.count == one.count
        assert np.abs(np.asarray(result.pixels, np.int16) - np.asarray(alone.pixels, np.int16)).max() <= 1


def test_only_the_mouth_of_the_portrait_changes_and_the_jaw_is_a_part_of_the_whole(
    engine: Wav2Lip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav2lip, "_photograph", lambda work: None)
    monkeypatch.setattr(wav2lip, "crop", lambda avatar, size: portrait())
    whole, part = engine.run([work(1, "full"), work(1, "jaw")])
    assert isinstance(whole, Pictures)
    assert isinstance(part, Pictures)
    face = portrait()
    drawn = np.asarray(whole.pixels).reshape(256, 256, 3)
    changed = np.argwhere((drawn != face.picture).any(axis=2))
    assert len(changed)
    assert changed[:, 0].min() > face.top + 0.4 * face.height
    assert (changed[:, 0].max(), changed[:, 1].max()) < (face.top + face.height, face.left + face.width)
    rows, columns = face.box
    assert (part.left, part.top) == (face.left, face.top)
    assert np.array_equal(drawn[rows, columns], np.asarray(part.pixels).reshape(part.height, part.width, 3))


def test_a_work_that_can_not_be_drawn_spoils_no_other(engine: Wav2Lip, tmp_path: Path) -> None:
    missing = SynthesiseWork("ann", str(tmp_path), ("jaw",), bytes(4), (96, 96))
    drawn = SynthesiseWork("mira", "", ("jaw",), bytes(4), (96, 96))
    first, second, third = engine.run([missing, engine.probe(), drawn])
    assert isinstance(first, BadInput)
    assert isinstance(second, Pictures)
    assert isinstance(third, BadInput)


def test_a_mouth_is_put_back_without_a_seam() -> None:
    mask = face_crop.feathered(200, 150)
    assert mask[0].max() == 0
    assert max(mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) < 0.01
    assert mask[140, 75] == 1
    assert np.abs(np.diff(mask, axis=0)).max() < 0.1
    assert np.abs(np.diff(mask, axis=1)).max() < 0.1


def test_each_picture_hears_what_surrounds_its_moment() -> None:
    audio = np.zeros(SPEECH_RATE, "<i2")
    audio[SPEECH_RATE // 2] = 20_000
    heard = wav2lip_mel.windows(audio.tobytes(), [0.2, 0.36, 0.5, 0.8])
    assert heard.shape == (4, 1, 80, 16)
    loudest = heard[:, 0].sum(axis=1)
    assert [row.max() > row.min() + 1 for row in loudest] == [False, True, True, False]
    assert int(loudest[2].argmax()) == pytest.approx(3, abs=1), "40 ms after the window begins"
    assert heard.min() == -4


def test_silence_is_the_lowest_there_is() -> None:
    assert (wav2lip_mel.windows(b"", [0.0, 0.1]) == -4).all()


def test_a_tone_is_in_the_band_of_its_pitch() -> None:
    at = np.arange(wav2lip_mel.RATE) / wav2lip_mel.RATE
    peaks = [
        int(wav2lip_mel.bands((0.5 * np.sin(2 * np.pi * hertz * at)).astype(np.float32))[:, 40].argmax())
        for hertz in (200, 1000, 4000, 7000)
    ]
    assert peaks == sorted(set(peaks))


def test_a_model_that_was_not_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_cache", tmp_path)
    with pytest.raises(ModelMissing, match="polytalk engine import wav2lip"):
        Wav2Lip({}).load()
    with pytest.raises(BadInput, match="letters, digits"):
        Wav2Lip({"model": "../x"}).load()
    target = wav2lip.graph_file("bad")
    target.parent.mkdir(parents=True)
    target.write_bytes(b"no graph")
    with pytest.raises(ModelCorrupt, match="import the checkpoint again"):
        Wav2Lip({"model": "bad"}).load()


def test_a_checkpoint_of_another_size_is_not_taken_in(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_cache", tmp_path)
    write_zip(tmp_path / "thin.pth", weights)
    with pytest.raises(BadInput, match="a variant of another size"):
        wav2lip.take_in(tmp_path / "thin.pth", "thin")
    assert not list((tmp_path / "models").rglob("*.onnx"))
