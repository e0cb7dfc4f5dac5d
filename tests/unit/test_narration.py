"""A script's sentences are kept one by one, and what is kept is not made again."""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polytalk.dialogue.clips import narration
from polytalk.dialogue.clips.film import Answer
from polytalk.dialogue.clips.narration import Narration
from polytalk.dialogue.clips.parts import Part, Parts
from polytalk.dialogue.clips.script import read_script
from polytalk.dialogue.clips.take import STRETCH, blocks, stretches
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, SetupError, Unspeakable
from polytalk.media.pcm import from_float, silence
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SAMPLE_BYTES, SPEECH_RATE

FRAME = SPEECH_RATE // MOUTH_RATE * SAMPLE_BYTES


def test_a_part_is_there_after_a_restart_and_gone_when_the_clip_is_done(tmp_path: Path) -> None:
    before = Parts(tmp_path / "clip.mp4")
    before.open()
    before.put("one", Part(b"sound", b"mouth"))
    again = Parts(tmp_path / "clip.mp4")
    again.open()
    assert "one" in again
    assert "two" not in again
    assert again.get("one") == Part(b"sound", b"mouth")
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_is_damaged_is_told(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "clip.mp4")
    parts.open()
    (parts.folder / "one").write_bytes(b"half")
    with pytest.raises(SetupError, match="start again"):
        parts.get("one")


def test_a_folder_that_is_not_there_is_told_before_work_begins(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere.*clip\.mp4"):
        Parts(tmp_path / "nowhere" / "clip.mp4").open()


def test_a_full_disk_leaves_no_half_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(tmp_path / "clip.mp4")
    parts.open()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SetupError, match=r"No space left on device.*kept"):
        parts.put("one", Part(b"sound", b"mouth"))
    assert list(parts.folder.iterdir()) == []


def test_blocks_have_one_size_whatever_the_pieces() -> None:
    assert list(blocks(iter((b"abc", b"", b"defgh", b"i")), 4)) == [b"abcd", b"efgh", b"i"]


def test_a_recording_is_cut_in_its_pauses_at_whole_mouth_frames() -> None:
    import numpy as np

    t = np.arange(9 * SPEECH_RATE) / SPEECH_RATE
    tone = from_float((0.3 * np.sin(2 * np.pi * 200 * t)).astype(np.float32))
    sound = tone + silence(0.3, SPEECH_RATE) + tone + silence(0.3, SPEECH_RATE) + tone[: SPEECH_RATE + 2]
    parts = list(stretches(sound))
    assert b"".join(parts) == sound
    assert all(len(part) % FRAME == 0 and len(part) <= STRETCH * FRAME for part in parts[:-1])
    first = len(parts[0]) / SAMPLE_BYTES / SPEECH_RATE
    assert 9.0 <= first <= 9.3


def test_a_short_recording_is_one_stretch() -> None:
    assert list(stretches(b"ab")) == [b"ab"]


SILENT = SessionSettings(avatar="mira", voice="heart")
RUNTIME: Any = SimpleNamespace(
    settings=SimpleNamespace(cores=2),
    gate=SimpleNamespace(busy=0),
    dispatcher=SimpleNamespace(clock=None),
    kit=SimpleNamespace(
        voices=SimpleNamespace(
            for_language=lambda voice, _: SimpleNamespace(engine="tts", voice=SimpleNamespace(id=voice))
        ),
        studio=SimpleNamespace(revision=lambda *_: "1"),
        faces=SimpleNamespace(mouth="net"),
    ),
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sentences that were made; each is as many mouth frames long as it has letters."""
    made: list[str] = []

    async def say(*arguments: Any) -> None:
        sentence: str = arguments[-2]
        done: Answer = arguments[-1]
        if "?" in sentence:
            raise Unspeakable("no voice asks questions")
        made.append(sentence)
        done.audio += bytes(len(sentence) * FRAME)
        done.mouth += bytes(len(sentence) * len(MOUTH_PARAMS))

    monkeypatch.setattr(narration, "say", say)
    monkeypatch.setattr(narration, "open_face", lambda *_: None)
    return made


def narrate(tmp_path: Path, script: str) -> Narration:
    parts = Parts(tmp_path / "clip.mp4")
    parts.open()
    return Narration(RUNTIME, SILENT, read_script(script, pause=0.5), parts)


async def test_after_a_break_only_what_is_missing_is_made(tmp_path: Path, said: list[str]) -> None:
    broken = narrate(tmp_path, "One is here.\n\nIs two?")
    with pytest.raises(BadInput, match="line 3"):
        await broken.make(lambda *_: None)
    assert said == ["One is here."]
    again = narrate(tmp_path, "One is here.\n\nTwo is new.\n\nOne is here.")
    assert (again.found, again.different) == (1, 2)
    seen: list[tuple[int, int]] = []
    await again.make(lambda done, total: seen.append((done, total)))
    assert said == ["One is here.", "Two is new."]
    assert seen == [(1, 1)]


@pytest.mark.looptime
@pytest.mark.parametrize(("busy", "most"), [(0, 4), (1, 2)])
async def test_while_somebody_is_answered_a_core_is_left_to_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: int, most: int
) -> None:
    under_way, seen = 0, list[int]()

    async def say(*arguments: Any) -> None:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        await asyncio.sleep(1.0)
        under_way -= 1

    monkeypatch.setattr(narration, "say", say)
    monkeypatch.setattr(narration, "open_face", lambda *_: None)
    monkeypatch.setattr(RUNTIME.settings, "cores", 3)
    monkeypatch.setattr(RUNTIME.gate, "busy", busy)
    await narrate(tmp_path, "Aye. Bee. Sea. Dee.").make(lambda *_: None)
    assert (len(seen), max(seen)) == (4, most)


async def test_sound_mouth_and_subtitles_share_one_timeline(tmp_path: Path, said: list[str]) -> None:
    done = narrate(tmp_path, "A one. A second.\n\nA third one.")
    await done.make(lambda *_: None)
    assert sorted(said) == ["A one.", "A second.", "A third one."]
    take = done.take()
    lengths = [6 / 50, 9 / 50, 0.5, 12 / 50, 0.5]
    assert take.seconds == pytest.approx(sum(lengths))
    assert len(b"".join(take.pieces())) == round(take.seconds * SPEECH_RATE) * SAMPLE_BYTES
    assert len(take.mouth) == round(take.seconds * MOUTH_RATE) * len(MOUTH_PARAMS)
    assert [start for start, _, _ in done.times()] == pytest.approx([0, 6 / 50, 15 / 50 + 0.5])
