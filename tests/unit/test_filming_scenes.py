"""Filming goes on after a break: scenes that are done are not drawn again, and the clip is what it would have been."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from polytalk.avatar.library import Library
from polytalk.config import Settings
from polytalk.dialogue.clips import scenes
from polytalk.dialogue.clips.film import film
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.parts import Parts
from polytalk.dialogue.clips.reel import Shape
from polytalk.dialogue.clips.scenes import plan, spans
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.errors import BadInput, PolytalkError
from polytalk.media.decode import decode_audio
from polytalk.media.loudness import TARGET, measure
from polytalk.media.pcm import from_float
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE, Pictures, SynthesiseWork

SIDE, SECONDS, FRAMES = 96, 3.0, round(25 * (0.4 + 3.0 + 0.7))
SEEN = Mark(label=None)


class Broken(Exception):
    """Somebody pulls the plug."""


class Counted(Drawing):
    """Counts the pictures that are drawn; a picture's grey follows the face, and nothing else: codebooks remember."""

    def __init__(self, avatar: str = "mira") -> None:
        super().__init__(Settings(), Library(Path("nowhere"))[avatar])
        self.drawn = 0

    def draw(self, work: SynthesiseWork) -> Pictures:
        """And counts."""
        self.drawn += work.count
        rows = np.frombuffer(work.frames, "<f4").reshape(work.count, -1)
        shade = np.linspace(0, 1, SIDE)[None, :] * (40 + 60 * np.abs(rows).sum(1, keepdims=True))
        grey = np.repeat(shade.astype(np.uint8)[:, None, :], SIDE, axis=1).reshape(work.count, -1)
        planes = np.concatenate([grey, np.full((work.count, SIDE * SIDE // 2), 128, np.uint8)], axis=1)
        return Pictures(planes.reshape(-1).data, SIDE, SIDE, layout="yuv420")


@pytest.fixture
def drawing() -> Iterator[Counted]:
    with Counted() as made:
        yield made


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenes of about a second."""
    for name, seconds in (("SHORTEST", 0.6), ("TYPICAL", 1.0), ("LONGEST", 1.4)):
        monkeypatch.setattr(scenes, name, seconds)


def take(seed: int = 1, seconds: float = SECONDS) -> Take:
    """A voice that beeps twice at its end, with a mouth that moves at random; three sentences."""
    time = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    loud = 0.05 + 0.3 * (time % 0.5 > 0.25)
    voice = from_float((loud * np.sin(2 * np.pi * 300 * time)).astype(np.float32))
    mouth = np.random.default_rng(seed).integers(0, 255, (round(seconds * MOUTH_RATE), len(MOUTH_PARAMS)))
    return Take(seconds, lambda: iter((voice,)), mouth.astype(np.uint8).tobytes(), (0.9, 1.7, seconds))


def made(drawing: Drawing, target: Path, spoken: Take, stop: int = FRAMES + 1) -> float:
    """Filmed with what lies beside it; broken off when picture `stop` is done."""
    parts = Parts(target)
    parts.open()

    def on_frame(done: int, total: int) -> None:
        assert total == FRAMES
        if done >= stop:
            raise Broken

    return film(drawing, spoken, target, size=SIDE, mark=SEEN, on_frame=on_frame, parts=parts)


def pictures(clip: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    with av.open(str(clip), "r") as container:
        return [(frame.time or 0.0, np.asarray(frame.to_ndarray(), np.uint8)) for frame in container.decode(video=0)]


def same(one: Path, other: Path) -> None:
    """The same pictures at the same moments, and the same sound."""
    these, those = pictures(one), pictures(other)
    assert [time for time, _ in these] == [time for time, _ in those]
    assert all((a == b).all() for (_, a), (_, b) in zip(these, those, strict=True))
    assert decode_audio(one, SPEECH_RATE) == decode_audio(other, SPEECH_RATE)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_who_is_broken_off_goes_on_and_gets_the_same_clip(tmp_path: Path, drawing: Counted, suffix: str) -> None:
    whole, broken = tmp_path / f"whole{suffix}", tmp_path / f"broken{suffix}"
    assert made(drawing, whole, take()) == FRAMES / 25
    assert drawing.drawn == FRAMES
    drawing.drawn = 0
    with pytest.raises(Broken):
        made(drawing, broken, take(), stop=60)
    assert not broken.exists()
    assert drawing.drawn == 64, "two scenes of 32 and 20 pictures, and a run of the third"
    drawing.drawn = 0
    assert made(drawing, broken, take()) == FRAMES / 25
    assert drawing.drawn == FRAMES - 52, "what was whole is not drawn again"
    same(whole, broken)
    times = [time for time, _ in pictures(whole)]
    assert times == pytest.approx([number / 25 for number in range(FRAMES)], abs=1e-3)
    sound = decode_audio(whole, SPEECH_RATE)
    assert len(sound) / 2 / SPEECH_RATE == pytest.approx(FRAMES / 25, abs=0.03)
    assert measure([sound]).integrated == pytest.approx(TARGET, abs=0.5)


def test_a_gif_is_made_of_what_was_drawn_before_the_break(
    tmp_path: Path, drawing: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "OF_A_GIF", 1.0)
    whole, broken, straight = (tmp_path / f"{name}.gif" for name in ("whole", "broken", "straight"))
    made(drawing, whole, take())
    drawing.drawn = 0
    with pytest.raises(Broken):
        made(drawing, broken, take(), stop=60)
    drawing.drawn = 0
    made(drawing, broken, take())
    assert drawing.drawn == FRAMES - 52, "what was whole is not drawn again"
    film(drawing, take(), straight, size=SIDE, mark=SEEN, on_frame=lambda *_: None)
    for other in (broken, straight):  # through the scenes or not: nothing is lost on the way
        seen = zip(pictures(whole), pictures(other), strict=True)
        assert all(this == that and (a == b).all() for (this, a), (that, b) in seen)


def test_a_gif_that_would_be_too_long_is_told_before_anything_is_drawn(tmp_path: Path, drawing: Counted) -> None:
    with pytest.raises(BadInput, match="30 s"):
        film(drawing, take(seconds=30.0), tmp_path / "long.gif", size=SIDE, mark=SEEN, on_frame=lambda *_: None)
    assert not drawing.drawn


def test_scenes_are_the_pictures_of_a_clip_that_is_encoded_at_once(tmp_path: Path, drawing: Counted) -> None:
    pieces, direct = tmp_path / "pieces.mp4", tmp_path / "direct.mp4"
    made(drawing, pieces, take())
    film(drawing, take(), direct, size=SIDE, mark=SEEN, on_frame=lambda *_: None)
    these, those = pictures(pieces), pictures(direct)
    assert [time for time, _ in these] == [time for time, _ in those]
    assert max(np.abs(a.astype(int) - b).mean() for (_, a), (_, b) in zip(these, those, strict=True)) < 1.5
    assert decode_audio(pieces, SPEECH_RATE) == decode_audio(direct, SPEECH_RATE)
    with av.open(str(pieces), "r") as container:
        keys = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.is_keyframe]  # type: ignore[operator]
    assert keys == pytest.approx([0.0, 1.28, 2.08, 3.4])


def test_what_is_broken_cut_off_or_of_another_scene_is_made_again(tmp_path: Path, drawing: Counted) -> None:
    target = tmp_path / "clip.mp4"
    made(drawing, target, take())
    before = pictures(target)
    kept = [one.name for one in plan("mira", drawing.painter, take(), Shape(SIDE, SIDE), SEEN, ".mp4")]
    folder = Parts(target).folder
    first, second, third = (folder / name for name in kept[:3])
    flipped = bytearray(first.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    first.write_bytes(bytes(flipped))
    third.write_bytes(second.read_bytes())
    second.write_bytes(second.read_bytes()[:-20])
    drawing.drawn = 0
    made(drawing, target, take())
    assert drawing.drawn == 32 + 20 + 33, "all but the last one"
    assert all((a == b).all() for (_, a), (_, b) in zip(before, pictures(target), strict=True))


def test_a_scene_is_of_one_face_one_size_and_one_mark(tmp_path: Path, drawing: Counted) -> None:
    def names(
        painter: object = None, spoken: Take | None = None, side: int = SIDE, mark: Mark = SEEN, suffix: str = ".mp4"
    ) -> list[str]:
        chosen = drawing.painter if painter is None else painter
        shape = Shape(side, side)
        return [one.name for one in plan("mira", chosen, spoken or take(), shape, mark, suffix)]  # type: ignore[arg-type]

    usual = names()
    assert usual == names()
    with Counted("theo") as theo:
        others = [names(theo.painter), names(replace(drawing.painter, looks="newer")), names(side=128)]
    others += [names(mark=Mark(label="en")), names(suffix=".webm")]
    for other in others:
        assert not set(usual) & set(other)
    changed = take()
    late = bytearray(changed.mouth)
    late[-len(MOUTH_PARAMS) * 10 :] = bytes(len(MOUTH_PARAMS) * 10)
    changed = Take(changed.seconds, changed.pieces, bytes(late), changed.ends)
    assert names(spoken=changed)[:2] == usual[:2], "what comes before a change stays"
    assert names(spoken=changed) != usual


def test_scenes_end_with_sentences_where_there_are_such(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("SHORTEST", 20.0), ("TYPICAL", 30.0), ("LONGEST", 40.0)):
        monkeypatch.setattr(scenes, name, seconds)
    assert list(spans([], 25 * 40, 25)) == [range(25 * 40)], "a short clip is one"
    assert list(spans([5.0, 22.0, 33.0, 39.0, 62.0], 2500, 25)) == [range(825), range(825, 1550), range(1550, 2500)]
    assert list(spans([5.0], 2500, 25)) == [range(750), range(750, 1500), range(1500, 2500)], "nobody pauses"
    for fps in (10, 24, 30):
        cut = list(spans([n * 3.337 for n in range(100)], 300 * fps, fps))
        assert [number for one in cut for number in one] == list(range(300 * fps))
        assert all(20 * fps <= len(one) <= 40 * fps for one in cut[:-1])


def test_a_clip_of_the_engine_that_draws_live_faces(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    with Drawing(Settings(), Library(tmp_path)["mira"]) as raster:
        assert raster.painter.engine == "raster"
        short = Take(0.2, lambda: iter((bytes(9_600),)), bytes(10 * len(MOUTH_PARAMS)))
        film(raster, short, target, size=SIDE, mark=SEEN, on_frame=lambda *_: None)
        with pytest.raises(PolytalkError, match="1920"):
            film(raster, short, tmp_path / "large.mp4", size=2000, mark=SEEN, on_frame=lambda *_: None)
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".mp4"] == ["clip.mp4"]
    shown = pictures(target)
    assert len(shown) == round(25 * 1.3)
    assert shown[0][1][:SIDE].std() > 20, "a face"
