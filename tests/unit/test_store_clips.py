"""Clip jobs."""

import pytest

from polytalk.errors import BadInput
from polytalk.store.store import Store
from tests.support.stores import Watch

ORDER = {"prompt": "你好", "avatar": "mira"}


async def test_a_job_goes_from_queued_to_completed_and_no_way_back(store: Store) -> None:
    clip = await store.clips.create("video_1", "acme", ORDER, "pt_1")
    assert (clip.status, clip.progress, clip.request) == ("queued", 0, ORDER)
    assert not await store.clips.advance("video_1", 10), "nobody has begun it"
    assert await store.clips.begin("video_1")
    assert not await store.clips.begin("video_1"), "one worker has it"
    assert await store.clips.advance("video_1", 140)
    assert (await store.clips.get("video_1", "acme")).progress == 100
    assert await store.clips.complete("video_1", "clips/video_1.mp4")
    assert not await store.clips.fail("video_1", "late", "too late")
    done = await store.clips.get("video_1", "acme")
    assert (done.status, done.progress, done.file, done.error) == ("completed", 100, "clips/video_1.mp4", None)


async def test_a_job_that_failed_says_why(store: Store) -> None:
    await store.clips.create("video_1", "acme", ORDER)
    assert await store.clips.fail("video_1", "engine_failed", "the voice is gone")
    failed = await store.clips.get("video_1", "acme")
    assert (failed.status, failed.error) == ("failed", {"code": "engine_failed", "message": "the voice is gone"})
    assert await store.clips.unfinished() == []


async def test_jobs_of_others_are_not_there(store: Store) -> None:
    await store.clips.create("video_1", "acme", ORDER)
    for attempt in (store.clips.get, store.clips.delete):
        with pytest.raises(BadInput) as none:
            await attempt("video_1", "blog")
        assert none.value.detail == "video_not_found"
    with pytest.raises(BadInput):
        await store.clips.page("blog", after="video_1")
    assert await store.clips.page("blog") == []
    assert (await store.clips.delete("video_1", "acme")).id == "video_1"
    assert await store.clips.page("acme") == []
    assert not await store.clips.begin("video_1")


async def test_jobs_are_listed_page_by_page_in_either_order(store: Store) -> None:
    watch = store.now
    assert isinstance(watch, Watch)
    for number in range(5):
        await store.clips.create(f"video_{number}", "acme", ORDER)
        watch.time += number % 2  # some at the same moment
    newest = [clip.id for clip in await store.clips.page("acme")]
    oldest = [clip.id for clip in await store.clips.page("acme", oldest_first=True)]
    assert newest == oldest[::-1] == [f"video_{number}" for number in (4, 3, 2, 1, 0)]
    assert [clip.id for clip in await store.clips.page("acme", after="video_3", limit=2)] == ["video_2", "video_1"]
    assert [c.id for c in await store.clips.page("acme", "video_2", oldest_first=True)] == ["video_3", "video_4"]
    assert (await store.clips.unfinished())[0].id == "video_0"


async def test_jobs_go_when_their_time_is_over(store: Store) -> None:
    watch = store.now
    assert isinstance(watch, Watch)
    await store.clips.create("video_1", "acme", ORDER, lifetime=60.0)
    await store.clips.create("video_2", "acme", ORDER)
    assert await store.clips.expire() == []
    watch.time += 61.0
    assert [clip.id for clip in await store.clips.expire()] == ["video_1"]
    assert [clip.id for clip in await store.clips.page("acme")] == ["video_2"]
