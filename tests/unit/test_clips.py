"""What was filmed once is copied."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from polytalk.avatar.library import Bundle, Library
from polytalk.cache import files, shown
from polytalk.cache.disk import DiskTier
from polytalk.config import Settings
from polytalk.dialogue.clips import kept as clips
from polytalk.dialogue.clips.film import Answer
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.types import MOUTH_PARAMS, Seconds

SAID = Answer("Hi?", "Hello.", bytearray(4_800), bytearray(5 * len(MOUTH_PARAMS)))


def drawn(avatar: Bundle) -> Drawing:
    return Drawing(Settings(), avatar)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[DiskTier]:
    tier = DiskTier(tmp_path / "renders", 1 << 24)
    await tier.open()
    yield tier
    tier.close()


async def test_who_is_removed_is_in_no_kept_clip(
    disk: DiskTier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def film(drawing: Drawing, _: object, target: Path, **__: object) -> Seconds:
        target.write_bytes(drawing.avatar.id.encode())
        return 1.5

    monkeypatch.setattr(clips, "film", film)
    library, target = Library(tmp_path), tmp_path / "clip.mp4"
    for _ in range(2):  # noted once, however often it is asked for
        for size in (128, 256):
            for avatar in ("mira", "theo"):
                await clips.clip(disk, drawn(library[avatar]), SAID, target, "heart", size, Mark())
    assert len(list(files.scan(disk.folder))) == 4
    assert shown.forget(disk.folder, library["mira"].digest) == 2
    assert shown.forget(disk.folder, library["mira"].digest) == 0
    assert len(list(files.scan(disk.folder))) == 2
    found = [
        (await clips.clip(disk, drawn(library[one]), SAID, target, "heart", 128, Mark()))[1] for one in ("mira", "theo")
    ]
    assert found == [False, True], "a server that runs meanwhile does not have it either"


async def test_the_same_clip_is_filmed_once(disk: DiskTier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filmed: list[int] = []

    def film(_: object, take: Take, target: Path, *, size: int, **__: object) -> Seconds:
        filmed.append(size)
        target.write_bytes(f"{take.seconds} {size}".encode())
        return 1.5

    monkeypatch.setattr(clips, "film", film)
    mira = drawn(Library(tmp_path)["mira"])
    plain, labelled = Mark(label=None), Mark(label="en", place="top-left")
    for size, mark, name, kept in (
        (128, plain, "clip.mp4", False),
        (128, plain, "clip.mp4", True),
        (256, plain, "clip.mp4", False),
        (128, labelled, "clip.mp4", False),
        (128, plain, "clip.webm", False),
    ):
        target = tmp_path / name
        assert await clips.clip(disk, mira, SAID, target, "heart", size, mark) == (1.5, kept)
        assert target.read_bytes() == f"0.1 {size}".encode()
    assert filmed == [128, 256, 128, 128]
