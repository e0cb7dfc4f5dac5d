"""Answers as films: over the conversation's socket or one of their own, and what an interruption leaves of them."""

import asyncio
import base64
import io
import json
from collections.abc import Callable
from typing import Any, TypeVar

import av
import pytest
from msgspec.structs import replace

from polytalk.dialogue.faces.filming import FilmBegun, FilmKit, FilmOver, FilmPart
from polytalk.gateway.realtime.media_line import MediaFeeds, MediaLine
from polytalk.media.boxes import samples, timescales
from polytalk.media.fragments import FragmentWriter
from polytalk.media.labels import visible_label
from polytalk.media.yuv import planes_of
from polytalk.types import SPEECH_RATE, Seconds, Stage
from tests.support.client import Client
from tests.support.engines import ScriptedLlm, ScriptedSynthesise
from tests.support.scene import Scene
from tests.unit.test_session_ladder import Steps

T = TypeVar("T")
pytestmark = pytest.mark.looptime

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen. " * 2
AUDIO = "response.output_audio.delta"
FILM = "response.video.delta"


async def compute(work: Callable[[], T]) -> T:
    await asyncio.sleep(0.01)
    return work()


def kit(learnt: list[int] | None = None) -> FilmKit:
    def learn(seconds: Seconds, pictures: int) -> None:
        if learnt is not None:
            learnt.append(pictures)

    return FilmKit(compute, learn)


def scene(reply: str = "Yes, it is.") -> Scene:
    return Scene(llm=ScriptedLlm(reply), synthesise=ScriptedSynthesise(whole=True))


async def wants_film(client: Client, protocol: str = "websocket", **video: Any) -> None:
    avatar = {"output_protocol": protocol, "video": {"resolution": {"width": 64, "height": 64}} | video}
    await client.send("session.update", session={"type": "realtime", "avatar": avatar})
    await client.until("session.updated")


def films(client: Client) -> bytes:
    return b"".join(base64.b64decode(wire["delta"]) for wire in client.all(FILM))


def lengths(film: bytes) -> dict[int, Seconds]:
    """Track -> how long it lasts."""
    scales = timescales(film)
    return {
        track: sum(part.lasts for part in samples(film) if part.track == track) / scale
        for track, scale in scales.items()
    }


async def test_who_wants_films_over_the_socket_gets_picture_and_sound_in_them_and_the_words_as_before() -> None:
    learnt: list[int] = []
    async with scene() as world, Client(world, films=kit(learnt)) as client:
        await wants_film(client)
        await client.asks()
        done = await client.until("response.done")
        assert not client.all(AUDIO)
        assert not client.all("response.animation_blendshapes.delta")
        assert client.all("response.output_audio_transcript.delta")
        video, sound = lengths(films(client)).values()
        assert video == pytest.approx(sound, abs=0.06)
        assert sum(learnt) / 25 == pytest.approx(video, abs=0.05)
        assert {wire["codec"] for wire in client.all(FILM)} == {'video/mp4; codecs="avc1.42c00a,opus"'}
        assert client.got.index(client.only("response.video.done")) < client.got.index(done)


async def test_words_say_where_in_the_film_they_are() -> None:
    async with scene("Yes, it is. No, it is not at all.") as world, Client(world, films=kit()) as client:
        await wants_film(client)
        await client.asks()
        await client.until("response.done")
        offsets = [wire["audio_offset_ms"] for wire in client.all("response.audio_timestamp.delta")]
        words = [wire["text"] for wire in client.all("response.audio_timestamp.delta")]
        assert offsets[0] == 0
        assert offsets == sorted(set(offsets))
        assert words == [wire["delta"] for wire in client.all("response.output_audio_transcript.delta")]


async def test_every_answer_begins_at_second_0() -> None:
    async with scene() as world, Client(world, films=kit()) as client:
        await wants_film(client)
        for count in (1, 2):
            await client.asks()
            await client.until("response.done", count)
        first = [base64.b64decode(wire["delta"]) for wire in client.all(FILM)]
        inits = [index for index, data in enumerate(first) if data[4:8] == b"ftyp"]
        assert len(inits) == 2
        assert all(samples(first[index + 1])[0].start == 0 for index in inits)


async def test_nothing_of_a_film_follows_an_interruption() -> None:
    async with scene(LONG) as world, Client(world, films=kit()) as client:
        await wants_film(client)
        await client.asks()
        await client.until(FILM, 4)
        await client.send("response.cancel")
        done = await client.until("response.done")
        await asyncio.sleep(3)
        assert done["response"]["status"] == "cancelled"
        assert client.got.index(client.all(FILM)[-1]) < client.got.index(done)
        assert not client.all("response.video.done")


async def test_a_film_has_a_socket_of_its_own_for_whoever_has_the_token() -> None:
    feeds = MediaFeeds(1 << 20)
    async with scene() as world, Client(world, films=kit(), feeds=feeds) as client:
        await wants_film(client, "media")
        where = client.only("session.updated")["session"]["avatar"]["media"]
        assert feeds.find(client.session.id, "wrong") is None
        assert feeds.find("sess_other", where["token"]) is None
        feed = feeds.find(client.session.id, where["token"])
        assert feed is not None
        line = feed.attach()
        await client.asks()
        await client.until("response.done")
        assert not client.all(FILM)
        assert not client.all(AUDIO)
        got = [await line.get() for _ in range(len(line._frames))]
        texts = [json.loads(frame)["type"] for frame in got if isinstance(frame, str)]
        assert texts == ["media.begin", "media.end"]
        assert lengths(b"".join(frame for frame in got if isinstance(frame, bytes)))


async def test_without_its_socket_an_answer_is_heard_and_drawn_by_the_client() -> None:
    feeds = MediaFeeds(1 << 20)
    async with scene() as world, Client(world, films=kit(), feeds=feeds) as client:
        await wants_film(client, "media")
        await client.asks()
        await client.until("response.done")
        assert client.all(AUDIO)
        assert client.all("response.animation_blendshapes.delta")
        assert not world.synthesise.works


async def test_when_the_socket_goes_in_the_middle_the_rest_is_sound() -> None:
    feeds = MediaFeeds(1 << 20)
    async with scene(LONG) as world, Client(world, films=kit(), feeds=feeds) as client:
        await wants_film(client, "media")
        feed = feeds.find(client.session.id, client.only("session.updated")["session"]["avatar"]["media"]["token"])
        assert feed is not None
        line = feed.attach()
        await client.asks()
        while len(line._frames) < 6:
            await asyncio.sleep(0.05)
        assert not client.all(AUDIO)
        feed.detach(line)
        done = await client.until("response.done")
        assert done["response"]["status"] == "completed"
        assert client.all(AUDIO)
        assert client.all("response.animation_blendshapes.delta")[0]["frame_index"] == 0


async def test_an_interruption_empties_the_media_line() -> None:
    feeds = MediaFeeds(1 << 20)
    async with scene(LONG) as world, Client(world, films=kit(), feeds=feeds) as client:
        await wants_film(client, "media")
        feed = feeds.find(client.session.id, client.only("session.updated")["session"]["avatar"]["media"]["token"])
        assert feed is not None
        line = feed.attach()
        await client.asks()
        while len(line._frames) < 6:
            await asyncio.sleep(0.05)
        await client.send("response.cancel")
        await client.until("response.done")
        await asyncio.sleep(1)
        [rest] = [await line.get() for _ in range(len(line._frames))]
        assert json.loads(rest)["type"] == "media.flush"


async def test_an_encoder_that_fails_leaves_the_call_its_sound() -> None:
    async with Scene(llm=ScriptedLlm(LONG)) as world, Client(world, films=kit()) as client:  # of another size
        await wants_film(client)
        await client.asks()
        done = await client.until("response.done")
        assert done["response"]["status"] == "completed"
        assert client.all(AUDIO)


async def test_pictures_are_left_out_and_no_sound_when_encoding_falls_behind() -> None:
    gate = asyncio.Event()

    async def stuck(work: Callable[[], T]) -> T:
        await gate.wait()
        return work()

    async with scene(LONG) as world, Client(world, films=FilmKit(stuck)) as client:
        await wants_film(client)
        await client.asks()
        await asyncio.sleep(5)
        assert sum(one[0].pictures is not None for one in client.connection._stage._filming._waiting) <= 8  # type: ignore[attr-defined]
        gate.set()
        await client.until("response.done")
        video, sound = lengths(films(client)).values()
        assert sound > 4
        assert video == pytest.approx(sound, abs=0.06)


@pytest.mark.parametrize(
    ("video", "param"),
    [
        ({"resolution": {"width": 64, "height": 32}}, "session.avatar.video.resolution"),
        ({"resolution": {"width": 4000, "height": 4000}}, "session.avatar.video.resolution"),
        ({"fps": 60}, "session.avatar.video.fps"),
    ],
)
async def test_pictures_that_cannot_be_had_are_refused(video: dict[str, Any], param: str) -> None:
    async with scene() as world, Client(world, films=kit()) as client:
        avatar = {"output_protocol": "websocket", "video": video}
        error = await client.refused("session.update", session={"type": "realtime", "avatar": avatar})
        assert error["param"] == param


async def test_a_line_that_is_not_read_ends_and_says_why() -> None:
    line = MediaLine(100)
    line.show(FilmBegun("r", "i", "video/mp4", bytes(20)))
    assert not line.ended.is_set()
    line.show(FilmPart("r", "i", bytes(60)))
    assert line.ended.is_set()
    assert "slowly" in line.reason


async def test_a_label_that_is_asked_for_is_on_the_pictures() -> None:
    plain, labelled = kit(), replace(kit(), label=lambda width, height: visible_label(width, height, "zh", "top-left"))
    brightest = []
    for films_kit in (plain, labelled):
        async with scene() as world, Client(world, films=films_kit) as client:
            await wants_film(client, resolution={"width": 128, "height": 128})
            await client.asks()
            await client.until("response.done")
            with av.open(io.BytesIO(films(client)), "r") as container:
                pictures = [planes_of(frame)[0][4:20, 4:60] for frame in container.decode(video=0)]
            brightest.append(min(int(picture.max()) for picture in pictures))
    assert brightest[0] < 160 < brightest[1]


async def test_an_answer_outside_the_conversation_is_sound_beside_a_film() -> None:
    async with scene(LONG) as world, Client(world, films=kit()) as client:
        await wants_film(client)
        await client.send("response.create")
        await client.send("response.create", response={"conversation": "none"})
        await client.until("response.done", 2)
        film, aside = (wire["response"]["id"] for wire in client.all("response.created"))
        assert {wire["response_id"] for wire in client.all(FILM)} == {film}
        heard = b"".join(base64.b64decode(wire["delta"]) for wire in client.all(AUDIO))
        assert {wire["response_id"] for wire in client.all(AUDIO)} == {aside}
        assert len(heard) == pytest.approx(lengths(films(client))[1] * 2 * SPEECH_RATE, rel=0.05)


async def test_the_next_answer_is_told_after_the_end_of_a_film() -> None:
    async with scene() as world, Client(world, films=kit()) as client:
        await wants_film(client)
        await client.send("response.create")
        while not client.session.conversation.messages() or client.session.responding:
            await asyncio.sleep(0.001)
        assert not client.all("response.done")  # its last pictures are being encoded
        await client.send("response.create")
        await client.until("response.done", 2)
        ends = [wire["type"] for wire in client.got if wire["type"] in ("response.created", "response.done")]
        assert ends == ["response.created", "response.done"] * 2


@pytest.mark.parametrize("moment", [0.0, 0.2, 0.4])
async def test_other_pictures_may_be_asked_for_at_any_moment_of_an_answer(moment: Seconds) -> None:
    async with scene(LONG) as world, Client(world, films=kit()) as client:
        await wants_film(client)
        await client.send("response.create")
        await asyncio.sleep(moment)
        await wants_film(client, resolution={"width": 128, "height": 128}, codec="vp9")
        assert (await client.until("response.done"))["response"]["status"] == "completed"
        shown = len(client.all(FILM))
        assert bool(shown) != bool(client.all(AUDIO))
        await client.send("response.create")
        await client.until("response.done", 2)
        assert "vp09" in client.all(FILM)[-1]["codec"]  # films go on, as asked for


async def test_another_way_of_sending_films_breaks_one_off_and_its_rest_is_sound() -> None:
    feeds = MediaFeeds(1 << 20)
    async with scene(LONG) as world, Client(world, films=kit(), feeds=feeds) as client:
        await wants_film(client, "media")
        where = client.all("session.updated")[-1]["session"]["avatar"]["media"]
        feed = feeds.find(where["url"].partition("=")[2], where["token"])
        assert feed is not None
        line = feed.attach()
        await client.send("response.create")
        await asyncio.sleep(1.5)
        await wants_film(client)
        await client.until("response.done")
        assert "media.flush" in str(await line.get())
        assert not line._frames  # what was not sent of the film is not
        assert not client.all(FILM)
        assert client.all(AUDIO)


async def test_another_socket_of_a_session_takes_the_place_of_the_first() -> None:
    changes: list[None] = []
    feed = MediaFeeds(1_000).open("sess", lambda: changes.append(None))
    first, second = feed.attach(), feed.attach()
    assert first.ended.is_set()
    feed.detach(first)
    assert feed.line is second
    second.show(FilmOver("r", "i"))
    assert "media.end" in str(await second.get())


async def test_a_socket_whose_session_ended_during_its_handshake_is_closed() -> None:
    feeds = MediaFeeds(1_000)
    feed = feeds.open("sess", lambda: None)
    feeds.close(feed)
    line = feed.attach()
    assert line.ended.is_set()
    assert feed.line is None


async def test_the_encoder_is_open_before_the_first_sound() -> None:
    opened: list[Seconds] = []
    spoken: list[Seconds] = []

    async def note(work: Callable[[], T]) -> T:
        result = work()
        (opened if isinstance(result, FragmentWriter) else spoken).append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
        return result

    async with scene() as world, Client(world, films=FilmKit(note)) as client:
        await wants_film(client)
        for count in (1, 2):
            await client.asks()
            await client.until("response.done", count)
            assert len(opened) == count
        assert opened[0] < spoken[0] - 0.05


async def test_every_step_of_the_ladder_is_taken_in_the_middle_of_a_call_and_back() -> None:
    """What the client gets on each: pictures a second of a film, or mouths, or sound alone."""
    world = scene("Yes, it is. No, it is not.")
    demand = Steps({Stage.THINK: "places"})
    world.gate.demand = demand
    async with world, Client(world, films=kit()) as client:
        await wants_film(client)
        got: list[tuple[float, bool, bool]] = []
        for count, rung in enumerate((0, 1, 2, 3, 2, 1, 0), 1):
            demand.least = rung
            before = len(client.got)
            await client.asks()
            await client.until("response.done", count)
            new = client.got[before:]
            film = b"".join(base64.b64decode(wire["delta"]) for wire in new if wire["type"] == FILM)
            shown = [part for part in samples(film) if part.track == 1] if film else []
            sound = {part.start for part in samples(film) if part.track == 2} if film else set()
            rate = SPEECH_RATE / shown[0].lasts if shown else 0.0
            assert not shown or min(part.start for part in shown) == min(sound) == 0, "a film of its own"
            kinds = {wire["type"] for wire in new}
            got.append((round(rate), "response.animation_blendshapes.delta" in kinds, AUDIO in kinds))
        drawn_there, voice = (0, True, True), (0, False, True)
        up = [(25, False, False), (15, False, False), drawn_there]
        assert got == [*up, voice, *reversed(up)]


async def test_films_return_with_their_socket() -> None:
    feeds = MediaFeeds(1 << 20)
    async with scene() as world, Client(world, films=kit(), feeds=feeds) as client:
        await wants_film(client, "media")
        feed = feeds.find(client.session.id, client.only("session.updated")["session"]["avatar"]["media"]["token"])
        assert feed is not None
        films_of = []
        for count, there in enumerate((True, False, True), 1):
            line = feed.attach() if there else None
            before = len(client.all(AUDIO))
            await client.asks()
            await client.until("response.done", count)
            films_of.append((line is not None and len(line._frames) > 3, len(client.all(AUDIO)) > before))
            if line is not None:
                feed.detach(line)
        assert films_of == [(True, False), (False, True), (True, False)]
