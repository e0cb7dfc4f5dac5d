"""What is kept on disk survives the process, and never comes back other than it was."""

import errno
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polytalk.cache import files
from polytalk.cache.disk import DiskTier
from polytalk.cache.key import digest_bytes
from polytalk.cache.memory import MemoryTier
from polytalk.cache.tiers import Tiers

KEYS = [digest_bytes(bytes([number])) for number in range(8)]


@asynccontextmanager
async def disk(folder: Path, capacity: int = 10_000) -> AsyncIterator[DiskTier]:
    tier = DiskTier(folder, capacity)
    try:
        await tier.open()
        yield tier
    finally:
        tier.close()


async def test_entries_are_there_after_a_restart(tmp_path: Path) -> None:
    async with disk(tmp_path) as tier:
        assert await tier.put(KEYS[0], b"speech", at_once=True)
    async with disk(tmp_path) as tier:
        assert (len(tier), tier.used) == (1, files.HEADER + 6)
        assert await tier.get(KEYS[0]) == b"speech"
        assert await tier.get(KEYS[1]) is None
        assert (tier.tally.hits, tier.tally.misses) == (1, 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(position=st.integers(0, files.HEADER + 39), flip=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_file_is_noticed_wherever_the_damage_is(tmp_path: Path, position: int, flip: int, cut: bool) -> None:
    files.write(tmp_path, KEYS[0], bytes(40))
    path = files.path_of(tmp_path, KEYS[0])
    content = bytearray(path.read_bytes())
    content[position] ^= flip
    path.write_bytes(content[:position] if cut else content)
    with pytest.raises(files.Damaged):
        files.read(tmp_path, KEYS[0])


async def test_a_damaged_entry_is_dropped_and_can_be_made_anew(tmp_path: Path) -> None:
    async with disk(tmp_path) as tier:
        await tier.put(KEYS[0], b"speech", at_once=True)
        files.path_of(tmp_path, KEYS[0]).write_bytes(b"rubbish")
        assert await tier.get(KEYS[0]) is None
        assert (tier.tally.corrupt, len(tier)) == (1, 0)
        assert not files.path_of(tmp_path, KEYS[0]).exists()
        await tier.put(KEYS[0], b"speech", at_once=True)
        assert await tier.get(KEYS[0]) == b"speech"


async def test_a_file_under_another_name_is_not_believed(tmp_path: Path) -> None:
    async with disk(tmp_path) as tier:
        await tier.put(KEYS[0], b"speech", at_once=True)
        other = files.path_of(tmp_path, KEYS[1])
        other.parent.mkdir(exist_ok=True)
        files.path_of(tmp_path, KEYS[0]).rename(other)
        assert await tier.get(KEYS[1]) is None


def test_what_a_crash_left_half_written_is_swept_away(tmp_path: Path) -> None:
    shelf = tmp_path / KEYS[0][:2]
    shelf.mkdir()
    left = shelf / f"{KEYS[0]}.{2**22 + 1}{files.PARTIAL}"
    left.write_bytes(b"half")
    others = shelf / f"{KEYS[0]}.{os.getppid()}{files.PARTIAL}"
    others.write_bytes(b"still being written")
    assert list(files.scan(tmp_path)) == []
    assert not left.exists()
    assert others.exists()


async def test_more_than_the_capacity_is_pruned_oldest_first(tmp_path: Path) -> None:
    async with disk(tmp_path) as tier:
        for age, key in enumerate(KEYS):
            await tier.put(key, bytes(100), at_once=True)
            os.utime(files.path_of(tmp_path, key), (age, age))
    async with disk(tmp_path, 3 * (files.HEADER + 100)) as tier:
        assert list(tier._sieve) == KEYS[-3:]
    assert len(list(files.scan(tmp_path))) == 3


async def test_most_is_never_said_again_so_only_what_was_asked_for_twice_gets_a_file(tmp_path: Path) -> None:
    async with disk(tmp_path) as tier:
        assert await tier.get(KEYS[0]) is None
        assert not await tier.put(KEYS[0], b"once")
        assert await tier.get(KEYS[0]) is None
        assert await tier.put(KEYS[0], b"twice")


async def test_another_process_may_have_written_it(tmp_path: Path) -> None:
    async with disk(tmp_path) as one, disk(tmp_path) as other:
        await one.put(KEYS[0], b"speech", at_once=True)
        assert await other.get(KEYS[0]) == b"speech"
        assert len(other) == 1


async def test_a_full_disk_turns_the_cache_off_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with disk(tmp_path) as tier:
        await tier.put(KEYS[0], b"speech", at_once=True)
        monkeypatch.setattr(files, "write", full)
        with caplog.at_level(logging.WARNING):
            assert not await tier.put(KEYS[1], b"more", at_once=True)
            assert not await tier.put(KEYS[2], b"more", at_once=True)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "No space left" in caplog.text
        assert tier.capacity == 0
        assert await tier.get(KEYS[0]) == b"speech"


async def test_a_folder_that_is_none_turns_it_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    async with disk(tmp_path / "file") as tier:
        assert not await tier.put(KEYS[0], b"speech", at_once=True)
        assert await tier.get(KEYS[0]) is None
    assert "is off" in caplog.text


async def test_no_capacity_means_no_folder(tmp_path: Path) -> None:
    async with disk(tmp_path / "none", 0) as tier:
        assert not await tier.put(KEYS[0], b"speech", at_once=True)
        assert await tier.get(KEYS[0]) is None
    assert not (tmp_path / "none").exists()


async def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    async with disk(tmp_path / "own") as tier:
        await tier.put(KEYS[0], b"speech", at_once=True)
    assert files.path_of(tmp_path / "own", KEYS[0]).stat().st_mode & 0o077 == 0


async def test_pruning_frees_the_oldest(tmp_path: Path) -> None:
    async with disk(tmp_path) as tier:
        for key in KEYS:
            await tier.put(key, bytes(100), at_once=True)
        assert await tier.prune(2 * (files.HEADER + 100)) == 6 * (files.HEADER + 100)
        assert list(tier._sieve) == KEYS[-2:]


async def test_memory_gives_what_disk_found_and_disk_gets_what_memory_gives_twice(tmp_path: Path) -> None:
    async with disk(tmp_path) as below:
        tiers = Tiers(MemoryTier(1_000), below)
        assert await tiers.get(KEYS[0]) is None
        await tiers.put(KEYS[0], b"speech")
        assert len(below) == 0
        assert await tiers.get(KEYS[0]) == b"speech"
        await below.put(*tiers._to_write.get_nowait())
        assert len(below) == 1
        fresh = Tiers(MemoryTier(1_000), below)
        assert await fresh.get(KEYS[0]) == b"speech"
        assert fresh.memory.look(KEYS[0]) == b"speech"
        await fresh.drop(KEYS[0])
        assert await fresh.get(KEYS[0]) is None
