"""A network's mouths, drawn once: the right ones are chosen, kept whole or not at all, and put back without a seam."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from polytalk.avatar.library import Bundle, Library
from polytalk.avatar.motion import perform
from polytalk.avatar.photo import PhotoFace, build
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.shelf import FOLDER
from polytalk.avatar.terms import PARAMETERS
from polytalk.config import EngineChoice, Settings
from polytalk.dialogue.clips.film import film
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.engines import models
from polytalk.engines.synthesise import wav2lip, wav2lip_book
from polytalk.engines.synthesise import wav2lip_network as network
from polytalk.engines.synthesise.face_crop import crop
from polytalk.engines.synthesise.wav2lip import Wav2Lip
from polytalk.engines.synthesise.wav2lip_book import NAMES, SHAPES, Moments
from polytalk.errors import BadInput, ModelMissing
from polytalk.types import MOUTH_PARAMS, SPEECH_RATE, Pictures, SynthesiseWork
from tests.support import photographs
from tests.support.checkpoints import random_weights

SIZE = 128
POINTS = photographs.face(width=110, middle=(128, 120))
PRESS = NAMES.index("press")


def spoken(seconds: float = 8, seed: int = 1) -> tuple[bytes, bytes]:
    """Noise, and a mouth that moves at random and shuts now and then."""
    chance = np.random.default_rng(seed)
    frames = chance.integers(0, 255, (round(50 * seconds), len(MOUTH_PARAMS))).astype(np.uint8)
    frames[::7, PRESS] = 255
    return chance.normal(0, 3000, round(SPEECH_RATE * seconds)).astype("<i2").tobytes(), frames.tobytes()


@pytest.fixture(scope="module")
def moments() -> Moments:
    return wav2lip_book.choose([spoken()])


@pytest.fixture(scope="module")
def face() -> PhotoFace:
    return build(photographs.skin(256, grain=6.0), POINTS)


@pytest.fixture
def ann(tmp_path: Path, face: PhotoFace) -> Bundle:
    return photographs.put_built(Library(tmp_path / "avatars"), face, points=POINTS)


def whole_face(_: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network that gives back what it is shown."""
    return faces[:, 3:]


def fill(avatar: Bundle, moments: Moments, draw: wav2lip_book.Draw = whole_face, model: str = "m") -> bool:
    return wav2lip_book.fill(avatar, crop(avatar, (256, 256)), model, moments, draw, lambda: True)


def test_moments_are_unlike_each_other_and_begin_with_silence(moments: Moments) -> None:
    assert moments.mels.shape == (SHAPES, 1, 80, 16)
    assert not moments.mouths[0].any()
    assert (moments.mels[0] == -4).all()
    assert len(np.unique(moments.mouths, axis=0)) == SHAPES
    shut = moments.mouths[:, PRESS] > 0.9
    assert 5 < shut.sum() < SHAPES / 2
    assert moments.mouths[~shut, 0].max() > 0.9, "wide open ones"


def test_too_little_speech_is_told() -> None:
    with pytest.raises(BadInput, match="speak for some seconds"):
        wav2lip_book.choose([spoken(1)])


def test_moments_are_read_as_they_were_written(tmp_path: Path, moments: Moments) -> None:
    path = tmp_path / "mine.moments.npz"
    with pytest.raises(ModelMissing, match="import the checkpoint again"):
        wav2lip_book.read_moments(path)
    wav2lip_book.write_moments(path, moments)
    again = wav2lip_book.read_moments(path)
    assert np.abs(again.mels - moments.mels).max() < 0.01
    np.testing.assert_array_equal(again.mouths, moments.mouths)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelMissing, match="import the checkpoint again"):
        wav2lip_book.read_moments(path)


def test_what_a_network_gives_back_unchanged_is_the_portrait(ann: Bundle, moments: Moments, face: PhotoFace) -> None:
    assert fill(ann, moments)
    renderer = PhotoRenderer(face, 256)
    mouths = wav2lip_book.speaking_with(ann, renderer.face, "m")
    assert mouths is not None
    renderer.speak_with(mouths)
    left, top, right, bottom = renderer.boxes[0]
    patch = mouths.draw(3).astype(float)
    portrait = renderer.face.portrait[top:bottom, left:right].astype(float)
    assert np.sqrt(((patch - portrait) ** 2).mean()) < 8, "96 pixels for 110: but for the grain of the photograph"
    border = np.abs(patch - portrait)
    assert max(border[0].max(), border[-1].max(), border[:, 0].max(), border[:, -1].max()) <= 2, "no seam"
    picture = renderer.frame({"jaw": 0.5})
    outside = np.ones((256, 256), bool)
    outside[top:bottom, left:right] = False
    assert np.abs(picture[outside].astype(int) - renderer.base.rgb()[outside]).max() == 0


def test_the_mouth_that_is_asked_for_is_shown(ann: Bundle, moments: Moments, face: PhotoFace) -> None:
    def numbered(mels: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """As light as the jaw is open."""
        found = [int(np.argmin(np.abs(moments.mels - mel).sum(axis=(1, 2, 3)))) for mel in mels]
        return np.ones_like(faces[:, 3:]) * moments.mouths[found, 0][:, None, None, None]

    assert fill(ann, moments, numbered)
    mouths = wav2lip_book.speaking_with(ann, face, "m")
    assert mouths is not None
    for code in (5, 90, 191):
        asked = dict(zip(NAMES, moments.mouths[code].tolist(), strict=True))
        blend = mouths.find(asked)
        assert blend.first == code
        assert blend.share < 0.01
    middle = mouths.draw(code)[-60, 50]
    assert middle.mean() == pytest.approx(255 * moments.mouths[code, 0], abs=20)
    for jaw in np.linspace(0, 1, 6):
        blend = mouths.find({"jaw": float(jaw), "press": 0.95})
        assert min(moments.mouths[blend.first, PRESS], moments.mouths[blend.second, PRESS]) > 0.9


def test_a_codebook_is_of_one_model_and_one_avatar_and_whole(
    ann: Bundle, moments: Moments, tmp_path: Path, face: PhotoFace
) -> None:
    assert fill(ann, moments)
    assert wav2lip_book.is_there(ann, "m")
    assert not wav2lip_book.is_there(ann, "another")
    other = photographs.put_built(
        Library(tmp_path / "avatars"), build(photographs.skin(256, seed=5), POINTS), "bob", points=POINTS
    )
    assert not wav2lip_book.is_there(other, "m")
    (file,) = (ann.folder / FOLDER).rglob("mouths")
    data = bytearray(file.read_bytes())
    data[1000] ^= 1
    file.write_bytes(bytes(data))
    assert not wav2lip_book.is_there(ann, "m")
    assert wav2lip_book.speaking_with(ann, face, "m") is None


def test_one_that_is_stopped_leaves_nothing(ann: Bundle, moments: Moments) -> None:
    steps = iter([True, True, False])
    seen = crop(ann, (256, 256))
    assert not wav2lip_book.fill(ann, seen, "m", moments, whole_face, lambda: next(steps))
    assert not list(ann.folder.rglob("mouths*"))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moments: Moments) -> Iterator[Wav2Lip]:
    pytest.importorskip("onnx", reason="importing a checkpoint needs onnx")
    monkeypatch.setattr(models, "_cache", tmp_path / "cache")
    target = wav2lip.graph_file("thin")
    target.parent.mkdir(parents=True)
    network.export(random_weights(1), target, 1)
    made = Wav2Lip({"model": "thin", "draw": "codebook"})
    with pytest.raises(ModelMissing, match="import the checkpoint again"):
        made.load()
    wav2lip_book.write_moments(wav2lip.moments_file("thin"), moments)
    made.load()
    yield made
    made.close()


def work(avatar: Bundle) -> SynthesiseWork:
    moves = perform(avatar.motion, 0.4, states=[(0.0, "speaking")], mouth=spoken(1)[1])
    rows = np.array([[move.get(name, 0.0) for name in PARAMETERS] for move in moves], "<f4")
    return SynthesiseWork(
        avatar.id, str(avatar.folder), PARAMETERS, rows.tobytes(), (SIZE, SIZE), "full", 25.0, spoken(1)[0], 0.1
    )


def test_the_network_draws_until_the_codebook_is_there(engine: Wav2Lip, ann: Bundle) -> None:
    order = work(ann)
    (first,) = engine.run([order])
    assert isinstance(first, Pictures)
    assert (first.layout, engine.units(order)) == ("rgb", order.count), "by the network"
    assert engine._book is not None
    engine._book._filler.submit(lambda: None).result(30)  # after the one that fills
    odd = replace(order, size=(96, 64))
    played, jaw, whole = engine.run([order, replace(order, form="jaw"), odd])
    assert isinstance(played, Pictures)
    assert isinstance(jaw, Pictures)
    assert isinstance(whole, Pictures)
    assert (played.layout, played.count, whole.layout) == ("yuv420", order.count, "rgb")
    assert (jaw.width, jaw.height) < (SIZE, SIZE)
    assert engine.units(order) < order.count / 100
    luminance = np.asarray(played.pixels).reshape(order.count, -1)[:, : SIZE * SIZE].reshape(-1, SIZE, SIZE).astype(int)
    assert np.ptp(luminance[:, jaw.top : jaw.top + jaw.height, jaw.left : jaw.left + jaw.width], axis=0).max() > 5


def test_clips_are_drawn_by_the_engine_of_the_settings(engine: Wav2Lip, ann: Bundle, tmp_path: Path) -> None:
    chosen = EngineChoice(engine="wav2lip", options={"model": "thin", "draw": "codebook"})
    order, target = work(ann), tmp_path / "clip.mp4"
    short = Take(0.4, lambda: iter((spoken(0.4)[0],)), spoken(0.4)[1])
    with Drawing(Settings(), ann) as photo, Drawing(Settings(synthesise=(chosen,)), ann) as net:
        assert photo.painter.looks != net.painter.looks, "no scene of one is taken for one of the other"
        assert (photo.painter.engine, net.painter.engine) == ("photo", "wav2lip")
        assert film(net, short, target, size=SIZE, mark=Mark(label=None), on_frame=lambda *_: None) == 38 / 25
        own, other = photo.draw(order), net.draw(order)
    assert other.layout == "yuv420", "the codebook is waited for"
    assert np.abs(np.asarray(own.pixels, int) - np.asarray(other.pixels, int)).max() > 30, "other mouths"
    assert target.stat().st_size > 1000


def test_an_avatar_that_was_removed_is_told(engine: Wav2Lip, ann: Bundle, tmp_path: Path) -> None:
    order = work(ann)
    Library(tmp_path / "avatars").remove("ann")
    assert isinstance(engine.run([order])[0], BadInput)
