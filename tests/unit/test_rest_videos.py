"""Clips that are ordered: made on a real port, followed, fetched in parts, deleted, and taken up again."""

import asyncio
import io
import shutil
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from openai import AsyncOpenAI, NotFoundError
from pydantic import SecretStr

from polytalk.config import ClipSettings, Settings, StoreSettings, TenantSettings
from polytalk.dialogue.clips import scenes
from polytalk.dialogue.dispatch import Replies
from polytalk.errors import EngineFailed
from polytalk.gateway.rest.clip_folder import ClipFolder
from polytalk.media.marking import read_marking
from polytalk.store.store import opened
from polytalk.types import Job, Stage, Tier
from tests.support.engines import Fault
from tests.support.server import SOON, Server, serving
from tests.unit.test_rest_audio import RECORDING
from tests.unit.test_rest_chat import sdk

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # theirs, not ours
SMALL: dict[str, Any] = {"size": "128x128"}
SAID = "One is here. Two is here."


@pytest.fixture
async def kept(tmp_path: Path) -> dict[str, Any]:
    """Settings that outlive a server, with a database that is there."""
    settings: dict[str, Any] = {
        "store": StoreSettings(url=SecretStr(f"sqlite:///{tmp_path}/store.db")),
        "clips": ClipSettings(folder=tmp_path / "clips"),
        "marking": {"label": False},
    }
    async with opened(Settings(**settings)):
        return settings


async def ended(client: AsyncOpenAI, name: str, *states: str) -> Any:
    """Wait until a job is in one of the states."""
    async with asyncio.timeout(SOON):
        while (video := await client.videos.retrieve(name)).status not in (states or ("completed", "failed")):
            await asyncio.sleep(0.05)
    return video


async def test_the_openai_package_orders_a_clip_and_fetches_it(
    kept: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(**kept) as server, sdk(server) as client:
        jobs: list[Job] = []
        submit = server.runtime.dispatcher.submit

        async def noted(job: Job) -> Replies:
            jobs.append(job)
            return await submit(job)

        monkeypatch.setattr(server.runtime.dispatcher, "submit", noted)
        video = await client.videos.create(prompt=SAID, model="theo", **SMALL)
        assert (video.object, video.status, video.size, video.model) == ("video", "queued", "128x128", "theo")
        done = await ended(client, video.id)
        assert (done.status, done.progress, done.error) == ("completed", 100, None)
        assert {job.tier for job in jobs} == {Tier.BATCH}, "somebody live had to wait for it"
        assert {Stage.SPEAK, Stage.SYNTHESISE} <= {job.stage for job in jobs}
        assert done.expires_at - done.created_at == 24 * 3600
        content = (await client.videos.download_content(video.id)).content
        with av.open(io.BytesIO(content), "r") as file:
            frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
            assert frames[0].shape == (128, 128, 3)
        assert float(done.seconds) == pytest.approx(len(frames) / 25, abs=0.05)
        assert max(frame.mean() for frame in frames) > 20, "a mouth that is loud is bright here"
        marking = read_marking(content)
        assert marking is not None
        assert [one.id async for one in client.videos.list()] == [video.id]
        assert (await client.videos.delete(video.id)).deleted
        with pytest.raises(NotFoundError):
            await client.videos.retrieve(video.id)
        assert [path.name for path in (tmp_path / "clips").iterdir()] == [".folder"]


async def test_a_recording_moves_a_mouth_and_a_wide_clip_has_a_background(kept: dict[str, Any]) -> None:
    async with serving(**kept) as server, sdk(server) as client, httpx.AsyncClient(base_url=server.http) as http:
        data = {"size": "256x128", "fps": "10", "background": "#ff0000", "format": "webm"}
        answer = await http.post("/v1/videos", data=data, files={"audio": ("talk.wav", RECORDING)})
        assert answer.status_code == 200, answer.text
        done = await ended(client, answer.json()["id"])
        assert done.status == "completed", done.error
        assert float(done.seconds) == pytest.approx(2.6 + 1.1, abs=0.1)
        content = await http.get(f"/v1/videos/{done.id}/content")
        assert content.headers["content-type"] == "video/webm"
        with av.open(io.BytesIO(content.content), "r") as file:
            picture = next(file.decode(video=0)).to_ndarray(format="rgb24")
        assert picture.shape == (128, 256, 3)
        assert picture[64, 5].tolist() == pytest.approx([255, 0, 0], abs=40)
        assert picture[64, 128].max() < 40
        part = await http.get(f"/v1/videos/{done.id}/content", headers={"range": "bytes=2-5"})
        assert (part.status_code, part.content) == (206, content.content[2:6])
        past = await http.get(f"/v1/videos/{done.id}/content", headers={"range": f"bytes={10**9}-"})
        assert past.status_code == 416


BAD: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"prompt": " "}, 400, "invalid_value", "prompt"),
    ({"prompt": "***"}, 400, "invalid_value", None),
    ({"prompt": "x " * 60}, 400, "invalid_value", "prompt"),
    ({"model": "nobody"}, 404, "model_not_found", "model"),
    ({"size": "99x128"}, 400, "invalid_value", "size"),
    ({"size": "129x128"}, 400, "invalid_value", "size"),
    ({"size": "4000x128"}, 400, "invalid_value", "size"),
    ({"fps": 7}, 400, "invalid_value", "fps"),
    ({"speed": 0.1}, 400, "invalid_value", "speed"),
    ({"voice": "nobody"}, 400, "invalid_value", "voice"),
    ({"format": "avi"}, 400, "invalid_value", "format"),
    ({"background": "red"}, 400, "invalid_value", "background"),
    ({"hat": "red"}, 400, "invalid_value", "hat"),
]


async def test_what_can_not_be_made_is_refused_at_once(kept: dict[str, Any]) -> None:
    kept["clips"] = ClipSettings(folder=kept["clips"].folder, max_text_chars=100)
    async with serving(**kept) as server, httpx.AsyncClient(base_url=server.http) as http:
        for changes, status, code, param in BAD:
            answer = await http.post("/v1/videos", json={"prompt": "Hi.", **SMALL, **changes})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error
        for query in ("limit=0", "limit=x", "order=up"):
            assert (await http.get(f"/v1/videos?{query}")).status_code == 400
        assert (await http.get("/v1/videos/video_none/content")).json()["error"]["code"] == "video_not_found"
        assert (await http.get("/v1/videos")).json()["data"] == []


TENANTS = (TenantSettings(name="acme", token=SecretStr("a-key")), TenantSettings(name="blog", token=SecretStr("b-key")))


def of(server: Server, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(api_key=key, base_url=f"{server.http}/v1", max_retries=0)


async def test_jobs_of_others_are_not_there_and_too_many_are_refused(kept: dict[str, Any]) -> None:
    kept["clips"] = ClipSettings(folder=kept["clips"].folder, queue=2, at_once=0)
    async with serving(tenants=TENANTS, **kept) as server, of(server, "a-key") as acme, of(server, "b-key") as blog:
        videos = [await acme.videos.create(prompt=SAID, **SMALL) for _ in range(2)]
        for attempt in (blog.videos.retrieve, blog.videos.delete, blog.videos.download_content):
            with pytest.raises(NotFoundError):
                await attempt(videos[0].id)
        assert [one async for one in blog.videos.list()] == []
        page = await acme.videos.list(limit=1)
        assert (page.has_more, page.data[0].id) == (True, videos[1].id)
        assert [one.id async for one in page] == [videos[1].id, videos[0].id]
        async with httpx.AsyncClient(base_url=server.http, headers={"authorization": "Bearer a-key"}) as http:
            full = await http.post("/v1/videos", json={"prompt": SAID, **SMALL})
            assert (full.status_code, full.json()["error"]["code"]) == (429, "at_capacity")
            assert 1 <= int(full.headers["retry-after"]) <= 120
            early = await http.get(f"/v1/videos/{videos[0].id}/content")
            assert (early.status_code, early.json()["error"]["code"]) == (409, "video_not_ready")
        await blog.videos.create(prompt=SAID, **SMALL)


async def test_what_a_clip_says_is_charged_to_whom_it_is_for(kept: dict[str, Any]) -> None:
    metered = TENANTS[0].model_copy(update={"limits": {"speech_seconds_per_minute": 0.2}})
    async with serving(tenants=(metered,), **kept) as server, of(server, "a-key") as acme:
        video = await acme.videos.create(prompt=SAID, **SMALL)
        assert (await ended(acme, video.id)).status == "completed"
        async with httpx.AsyncClient(base_url=server.http, headers={"authorization": "Bearer a-key"}) as http:
            more = await http.post("/v1/videos", json={"prompt": SAID, **SMALL})
            assert (more.status_code, more.json()["error"]["code"]) == (429, "rate_limit_exceeded")


async def test_a_clip_that_is_made_after_a_restart_is_charged_to_whom_it_is_for(kept: dict[str, Any]) -> None:
    metered = TENANTS[0].model_copy(update={"limits": {"speech_seconds_per_minute": 0.2}})
    later = ClipSettings(folder=kept["clips"].folder, at_once=0)
    async with serving(tenants=(metered,), **kept | {"clips": later}) as server, of(server, "a-key") as acme:
        video = await acme.videos.create(prompt=SAID, **SMALL)
    async with serving(tenants=(metered,), **kept) as server, of(server, "a-key") as acme:
        assert (await ended(acme, video.id)).status == "completed"
        async with httpx.AsyncClient(base_url=server.http, headers={"authorization": "Bearer a-key"}) as http:
            more = await http.post("/v1/videos", json={"prompt": SAID, **SMALL})
            assert (more.status_code, more.json()["error"]["code"]) == (429, "rate_limit_exceeded")


async def test_one_that_fails_says_why_and_the_next_is_made(kept: dict[str, Any]) -> None:
    async with serving(**kept) as server, sdk(server) as client:
        server.synthesise.faults = [Fault(EngineFailed("out of paint"))]
        failed, made = [await client.videos.create(prompt=SAID, **SMALL) for _ in range(2)]
        error = (await ended(client, failed.id)).error
        assert (error.code, error.message) == ("engine_failed", "out of paint")
        assert (await ended(client, made.id)).status == "completed"


async def test_who_deletes_a_clip_under_way_ends_the_work(kept: dict[str, Any], tmp_path: Path) -> None:
    async with serving(**kept) as server, sdk(server) as client:
        server.synthesise.delay = 3600.0
        video = await client.videos.create(prompt=SAID, **SMALL)
        async with asyncio.timeout(SOON):
            while not server.synthesise.busy:
                await asyncio.sleep(0.01)
        assert (await client.videos.retrieve(video.id)).status == "in_progress"
        await client.videos.delete(video.id)
        async with asyncio.timeout(SOON):
            while server.synthesise.busy:
                await asyncio.sleep(0.01)
        assert [path.name for path in (tmp_path / "clips").iterdir()] == [".folder"]


async def test_a_clip_under_way_is_taken_up_again_after_a_restart_where_it_was(kept: dict[str, Any]) -> None:
    async with serving(**kept) as server, sdk(server) as client:
        server.synthesise.delay = 3600.0
        video = await client.videos.create(prompt=SAID, **SMALL)
        async with asyncio.timeout(SOON):
            while not server.synthesise.busy:
                await asyncio.sleep(0.01)
    async with serving(**kept) as server, sdk(server) as client:
        assert (await ended(client, video.id)).status == "completed"
        spoken = [request.work.text for request in server.tts.requests]
        assert "One is here." not in spoken, "it was said before the restart"


async def test_what_was_filmed_before_a_restart_is_not_drawn_again(
    kept: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("SHORTEST", 0.4), ("TYPICAL", 0.5), ("LONGEST", 0.6)):
        monkeypatch.setattr(scenes, name, seconds)
    async with serving(**kept) as server, sdk(server) as client:
        server.synthesise.delay = 0.1
        video = await client.videos.create(prompt=SAID, **SMALL)
        async with asyncio.timeout(SOON):
            while not list((tmp_path / "clips").glob(".*.parts/scene-*")):
                await asyncio.sleep(0.01)
    async with serving(**kept) as server, sdk(server) as client:
        done = await ended(client, video.id)
        assert done.status == "completed", done.error
        drawn = sum(request.work.count for request in server.synthesise.requests)
        assert 0 < drawn <= round(float(done.seconds) * 25) - 10, "a scene was there"
        content = (await client.videos.download_content(video.id)).content
        with av.open(io.BytesIO(content), "r") as file:
            times = [frame.time for frame in file.decode(video=0)]
        assert times == pytest.approx([number / 25 for number in range(round(float(done.seconds) * 25))])
        assert not list((tmp_path / "clips").glob(".*.parts")), "nothing is left beside the clip"


async def test_the_time_of_a_clip_comes(kept: dict[str, Any], tmp_path: Path) -> None:
    async with serving(**kept) as server, sdk(server) as client:
        video = await client.videos.create(prompt=SAID, **SMALL)
        await ended(client, video.id)
    async with opened(server.runtime.settings) as store:
        store.clips._now = lambda: video.created_at + 24 * 3600 + 60.0
        gone = await store.clips.expire()
        assert [clip.id for clip in gone] == [video.id]
    folder = ClipFolder(tmp_path / "clips")
    assert len(list(folder.path.glob("video_*"))) == 1
    folder.sweep(3600.0)
    assert len(list(folder.path.glob("video_*"))) == 1
    folder.sweep(-1.0)
    assert list(folder.path.glob("video_*")) == []


def test_one_process_holds_an_order_and_a_death_is_counted(tmp_path: Path) -> None:
    folder = ClipFolder(tmp_path)
    with folder.hold("video_1") as first, ClipFolder(tmp_path).hold("video_1") as second:
        assert (first, second) == (1, 0)
    with folder.hold("video_1") as again:
        assert again == 1, "it ended well"
        shutil.copy(tmp_path / "video_1.lock", tmp_path / "left")
    (tmp_path / "left").rename(tmp_path / "video_1.lock")  # as a process that is killed leaves it
    with folder.hold("video_1") as after:
        assert after == 2
    assert folder.id == ClipFolder(tmp_path).id
