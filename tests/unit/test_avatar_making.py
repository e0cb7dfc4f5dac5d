"""From a photograph to a bundle, on a model that sees what the test says: in this process, in another, by HTTP."""

import asyncio
import json
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect

from polytalk.avatar import manifest
from polytalk.avatar.checks import Unsuitable
from polytalk.avatar.library import Library
from polytalk.avatar.making import LANDMARKS, Order, make
from polytalk.avatar.manifest import PORTRAIT, PREVIEW
from polytalk.avatar.photo import PhotoFace
from polytalk.avatar.photo.mesh import draw
from polytalk.gateway import avatar_builds
from tests.support.photographs import CONSENT, encoded, face, person, pretend_model, with_glasses
from tests.support.server import SOON, serving

PHOTOGRAPH = encoded(person(face(lean=8)))
ORDER = Order("ann", {"en": "Ann"}, "joe", manifest.Consent(CONSENT, "", "2026-01-02T03:04:05Z"))
FORM = {"name": "Ann", "consent": CONSENT, "voice": "wei"}


class Made(NamedTuple):
    """The portrait that the tests share."""

    folder: Path
    manifest: manifest.Manifest
    steps: list[tuple[str, float]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A bundle of `PHOTOGRAPH`, built once; not to be written to."""
    home, steps = tmp_path_factory.mktemp("made"), list[tuple[str, float]]()
    pretend_model(home / "cache", face(lean=8))
    folder = home / "ann"
    folder.mkdir()
    done = make(PHOTOGRAPH, ORDER, folder, home / "cache", lambda step, share: steps.append((step, share)))
    return Made(folder, done, steps)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """With a model that sees one good face."""
    folder = tmp_path / "cache"
    pretend_model(folder, face(lean=8))
    return folder


def test_a_photograph_becomes_a_whole_bundle(made: Made, tmp_path: Path) -> None:
    library, steps = Library(tmp_path / "avatars"), made.steps
    with library.staging() as folder:
        shutil.copytree(made.folder, folder, dirs_exist_ok=True)
        added = library.add(folder)
    assert added.manifest == made.manifest
    assert added.manifest.consent == ORDER.consent
    assert {PORTRAIT, PREVIEW, LANDMARKS} <= added.manifest.files.keys()
    points = np.load(added.folder / LANDMARKS)
    assert (points.shape, points.dtype) == ((478, 3), np.float32)
    assert [step for step, _ in steps if step != "build"] == ["read", "find", "check", "write", "write"]
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    assert steps[-1][1] == 1.0


def test_what_is_unsuitable_is_not_built_and_everything_found_is_said(tmp_path: Path) -> None:
    pretend_model(tmp_path, face(gap=0.4))
    folder = tmp_path / "made"
    folder.mkdir()
    with pytest.raises(Unsuitable) as refused:
        make(encoded(person(face(gap=0.4), level=15)), ORDER, folder, tmp_path, lambda step, share: None)
    assert {found.code for found in refused.value.findings} == {"mouth_open", "dark"}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("gap", "codes"), [(0.0, []), (0.1, ["lips_parted"])])
def test_what_was_warned_of_before_is_not_said_again_by_the_builder(
    gap: float, codes: list[str], tmp_path: Path
) -> None:
    pretend_model(tmp_path, face(gap=gap))
    folder = tmp_path / "made"
    folder.mkdir()
    done = make(encoded(person(face(gap=gap))), ORDER, folder, tmp_path, lambda *_: None)
    assert [one.code for one in done.warnings] == codes
    assert all(one.text.keys() == {"en", "zh"} for one in done.warnings)


# --- over HTTP -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(cache: Path, tmp_path: Path) -> dict[str, Any]:
    """The settings of a server that makes avatars."""
    return {"cache_folder": cache, "avatars_folder": tmp_path / "avatars"}


def test_eyes_behind_glasses_stay_open(tmp_path: Path) -> None:
    pretend_model(tmp_path / "cache", face())
    for name, rgb in (("bare", person(face())), ("glasses", with_glasses(person(face()), face()))):
        folder = tmp_path / name
        folder.mkdir()
        done = make(encoded(rgb), ORDER, folder, tmp_path / "cache", lambda *_: None)
        drawn = PhotoFace.load(folder / "face")
        moved = [one.astype(int) for one in (draw(drawn, {"blink": 1.0}), draw(drawn, {}))]
        blinked = np.abs(moved[0] - moved[1]).max() > 20
        assert blinked == (name == "bare")
        assert [one.code for one in done.warnings] == ([] if blinked else ["glasses"])


async def send(http: httpx.AsyncClient, image: bytes = PHOTOGRAPH, **form: str) -> httpx.Response:
    return await http.post("/v1/avatars", files={"image": ("face.jpg", image)}, data=FORM | form)


async def finished(http: httpx.AsyncClient, key: str) -> dict[str, Any]:
    async with asyncio.timeout(SOON * 3):
        while True:
            shown: dict[str, Any] = (await http.get(f"/v1/avatars/{key}")).json()
            if shown["status"] in ("completed", "failed"):
                return shown
            await asyncio.sleep(0.02)


async def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_an_uploaded_face_can_be_talked_to_in_a_call_that_was_open_already(folders: dict[str, Any]) -> None:
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http) as http:
        async with connect(server.ws) as client:
            await client.recv()
            answer = await send(http)
            assert (answer.status_code, answer.headers["location"]) == (202, "/v1/avatars/ann")
            assert answer.json()["status"] in ("queued", "in_progress")
            shown = await finished(http, "ann")
            assert (shown["status"], shown["voice"], shown["consent"]["statement"]) == ("completed", "wei", CONSENT)
            update = {"type": "session.update", "session": {"type": "realtime", "avatar": {"character": "ann"}}}
            await client.send(json.dumps(update))
            updated = json.loads(await client.recv())
            assert (updated["type"], updated["session"]["avatar"]["character"]) == ("session.updated", "ann")
        async with connect(f"{server.ws}?model=ann") as client:
            assert json.loads(await client.recv())["session"]["model"] == "ann"
        listed = (await http.get("/v1/avatars")).json()["data"]
        assert [one["id"] for one in listed] == ["mira", "theo", "ann"]


async def test_its_files_are_served_by_name_and_nothing_else_is(folders: dict[str, Any], made: Made) -> None:
    shutil.copytree(made.folder, folders["avatars_folder"] / "ann")
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http) as http:
        preview = await http.get("/v1/avatars/ann/preview.png")
        assert (preview.headers["content-type"], preview.content[:4]) == ("image/png", b"\x89PNG")
        bundle = (await http.get("/v1/avatars/ann/bundle")).json()
        portrait = await http.get(bundle["files"][PORTRAIT])
        assert portrait.headers["cache-control"].endswith("immutable")
        assert (await http.get("/v1/avatars/ann/files/portrait.png")).headers["cache-control"] == "no-cache"
        for name in ("avatar.json", "%2e%2e/%2e%2e/cache/x", "/etc/passwd", "nothing.png"):
            assert await code(await http.get(f"/v1/avatars/ann/files/{name}")) == (404, "file_not_found")
        exported = await http.get("/v1/avatars/ann/export")
        assert 'filename="ann.polytalk"' in exported.headers["content-disposition"]
        assert exported.content.startswith(b"PK")


async def test_removing(folders: dict[str, Any], made: Made) -> None:
    shutil.copytree(made.folder, folders["avatars_folder"] / "ann")
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http) as http:
        async with connect(f"{server.ws}?model=ann") as client:
            await client.recv()
            assert (await http.delete("/v1/avatars/ann")).json()["deleted"] is True
            await client.send('{"type": "response.create"}')  # who talks to it goes on, with the default one's persona
            async with asyncio.timeout(SOON):
                while json.loads(await client.recv())["type"] != "response.done":
                    pass
        assert await code(await http.get("/v1/avatars/ann")) == (404, "model_not_found")
        assert await code(await http.delete("/v1/avatars/ann")) == (404, "model_not_found")
        assert await code(await http.delete("/v1/avatars/theo")) == (409, "avatar_in_use")
        assert await code(await http.delete("/v1/avatars/mira")) == (409, "avatar_in_use")
        assert list(folders["avatars_folder"].iterdir()) == []


async def test_a_photograph_that_makes_no_avatar_says_why_in_both_languages(tmp_path: Path) -> None:
    pretend_model(tmp_path, face(200, (250, 400)), face(190, (550, 400)))
    async with (
        serving(cache_folder=tmp_path, avatars_folder=tmp_path / "avatars") as server,
        httpx.AsyncClient(base_url=server.http) as http,
    ):
        await send(http)
        shown = await finished(http, "ann")
        assert (shown["status"], shown["error"]["code"]) == ("failed", "portrait_unsuitable")
        assert "crop" in shown["error"]["message"]
        assert "裁剪" in shown["findings"][0]["text"]["zh"]
        assert [one["id"] for one in (await http.get("/v1/avatars")).json()["data"]] == ["mira", "theo"]
        assert (await http.delete("/v1/avatars/ann")).status_code == 200
        assert await code(await http.get("/v1/avatars/ann")) == (404, "model_not_found")


async def test_what_is_wrong_with_a_form_is_said_at_once(folders: dict[str, Any]) -> None:
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http) as http:
        assert await code(await send(http, consent="")) == (400, "consent_required")
        assert await code(await send(http, name="")) == (400, "invalid_value")
        assert await code(await send(http, voice="nobody")) == (400, "invalid_value")
        assert await code(await send(http, id="Not An Id")) == (400, "invalid_value")
        assert await code(await send(http, id="mira")) == (409, "avatar_exists")
        assert await code(await send(http, tint="green")) == (400, "form_invalid")
        assert await code(await send(http, b"<svg/>")) == (400, "picture_format")
        assert await code(await send(http, bytes(20_000_001))) == (413, "picture_too_large")
        assert await code(await http.post("/v1/avatars", data=FORM)) == (400, "form_invalid")
        assert await code(await http.post("/v1/avatars", content=b"{}")) == (400, "form_invalid")
        broken = {"content-type": "multipart/form-data; boundary=x"}
        assert await code(await http.post("/v1/avatars", content=b"--y\r\n", headers=broken)) == (400, "form_invalid")
        assert not folders["avatars_folder"].exists()


async def test_an_upload_without_end_is_answered_and_cut_off(folders: dict[str, Any]) -> None:
    head = b"POST /v1/avatars HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    part = b'--x\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n'
    async with serving(**folders) as server:
        reader, writer = await asyncio.open_connection(*server.host.split(":"))

        async def send_on() -> None:
            writer.write(head + b"%x\r\n%s\r\n" % (len(part), part))
            while True:
                writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                await writer.drain()

        async with asyncio.timeout(SOON):
            with pytest.raises(ConnectionError):
                await send_on()
            with suppress(ConnectionResetError):  # what was sent after the answer may have pushed it out
                assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_pages_of_others_can_neither_add_nor_look(folders: dict[str, Any]) -> None:
    evil = {"origin": "https://evil.example"}
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http, headers=evil) as http:
        for path in ("theo", "theo/preview.png", "theo/bundle", "theo/files/art.json", "theo/export"):
            assert await code(await http.get(f"/v1/avatars/{path}")) == (403, "origin_not_allowed")
        assert await code(await send(http)) == (403, "origin_not_allowed")
        assert await code(await http.delete("/v1/avatars/theo")) == (403, "origin_not_allowed")
        rebound = {"origin": "", "host": "evil.example"}
        assert await code(await http.get("/v1/avatars/theo", headers=rebound)) == (403, "host_not_allowed")


async def test_a_server_without_the_model_says_how_to_get_it(tmp_path: Path) -> None:
    async with (
        serving(cache_folder=tmp_path, avatars_folder=tmp_path) as server,
        httpx.AsyncClient(base_url=server.http) as http,
    ):
        answer = await send(http)
        assert await code(answer) == (503, "photos_not_set_up")
        assert "polytalk setup --photos" in answer.json()["error"]["message"]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run another program in the place of the one that makes avatars."""
    return lambda *words: monkeypatch.setattr(avatar_builds, "COMMAND", words)


async def test_the_queue_is_bounded(folders: dict[str, Any], command: Callable[..., None]) -> None:
    command("sleep", "60")
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http) as http:
        answers = [await send(http) for _ in range(avatar_builds.QUEUE + 3)]
        assert {answer.status_code for answer in answers[:-2]} == {202}
        assert len({answer.json()["id"] for answer in answers[:-2]}) == avatar_builds.QUEUE + 1
        assert await code(answers[-1]) == (503, "at_capacity")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 120
        assert await code(await send(http, id="ann")) == (503, "at_capacity")
        assert await code(await http.delete("/v1/avatars/ann")) == (409, "avatar_in_use")


async def test_a_process_that_breaks_is_a_failed_avatar_and_the_next_one_is_made(
    folders: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http) as http:
        for program in ("exit 3", "kill -9 $$", "echo nonsense", "cat > /dev/null"):
            with monkeypatch.context() as broken:
                broken.setattr(avatar_builds, "COMMAND", ("sh", "-c", program))
                await send(http, id="ann")  # a failed one gives its id back
                shown = await finished(http, "ann")
                assert (shown["status"], shown["error"]["code"]) == ("failed", "engine_failed"), program
        await send(http, id="ann")
        assert (await finished(http, "ann"))["status"] == "completed"


async def test_a_process_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_model(tmp_path, face(), slow=True)
    monkeypatch.setattr(avatar_builds, "SECONDS", 1.5)
    async with (
        serving(cache_folder=tmp_path, avatars_folder=tmp_path / "avatars") as server,
        httpx.AsyncClient(base_url=server.http) as http,
    ):
        await send(http)
        shown = await finished(http, "ann")
        assert "took longer" in shown["error"]["message"]
        assert await gone(str(tmp_path))


async def test_a_server_that_ends_takes_its_processes_along(tmp_path: Path) -> None:
    pretend_model(tmp_path, face(), slow=True)
    async with (
        serving(cache_folder=tmp_path, avatars_folder=tmp_path / "avatars") as server,
        httpx.AsyncClient(base_url=server.http) as http,
    ):
        await send(http)
        await started(str(tmp_path))
    assert await gone(str(tmp_path))
    assert list((tmp_path / "avatars").iterdir()) == []


def running(word: str) -> list[str]:
    """Processes with a word in their command line."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with closing(line.open("rb")) as stream:
            if word.encode() in stream.read():
                found.append(line.parent.name)
    return found


async def started(word: str) -> None:
    async with asyncio.timeout(SOON):
        while not running(word):
            await asyncio.sleep(0.02)


async def gone(word: str) -> bool:
    async with asyncio.timeout(SOON):
        while running(word):
            await asyncio.sleep(0.02)
    return True
