"""Faces at rest as films: they repeat, an answer begins where they end, and each is made once."""

import asyncio
import io

import av
import httpx
import numpy as np
import pytest

from polytalk.avatar.library import of_the_package
from polytalk.avatar.motion import EASE, State, at_rest
from polytalk.avatar.terms import PARAMETERS
from polytalk.dialogue.answers.performance import Performance
from polytalk.dialogue.faces.idling import LASTS, RESTS
from polytalk.media.fragments import VideoCodec
from polytalk.media.loop import LoopWriter
from polytalk.media.yuv import planes_of
from tests.support.server import serving
from tests.unit.test_media_fragments import pictures, planar

MIRA = next(avatar for avatar in of_the_package() if avatar.id == "mira")
HOME = {name: MIRA.motion.poses.idle.get(name, 0.0) for name in PARAMETERS}


@pytest.mark.parametrize("state", RESTS)
def test_it_begins_and_ends_in_one_pose_and_lives_between(state: State) -> None:
    moves = [*at_rest(MIRA.motion, state, LASTS["idle"], 25)]
    rows = np.array([[move.get(name, 0.0) for name in PARAMETERS] for move in moves])
    assert np.allclose(rows[0], list(HOME.values()))
    assert np.abs(rows[-1] - rows[0]).max() < 0.05, "no jump when it is repeated"
    steps = np.abs(np.diff(rows, axis=0))
    head = [PARAMETERS.index(name) for name in ("head_x", "head_y", "breath") if name in PARAMETERS]
    assert steps[:, head].max() < 0.15
    assert rows[:, PARAMETERS.index("blink")].max() > 0.9, "it blinks"
    assert np.ptp(rows[:, head], axis=0).max() > 0.05, "it moves"


def test_an_answer_begins_in_the_same_pose_and_goes_over_into_its_own() -> None:
    performance = Performance(MIRA.motion, enters=1234.5)
    moments = [number / 25 for number in range(50)]
    rows = np.frombuffer(performance.rows(moments, bytes(9 * 100), 0.0), "<f4").reshape(50, -1)
    assert np.allclose(rows[0], list(HOME.values()), atol=1e-6)
    own = rows[round(EASE * 25) + 1 :]
    assert np.abs(own - rows[0]).max() > 0.05
    steady = [index for index, name in enumerate(PARAMETERS) if name != "blink"]
    assert np.abs(np.diff(rows[:, steady], axis=0)).max() < 0.15


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_the_file_has_every_picture_and_no_sound(codec: VideoCodec) -> None:
    writer = LoopWriter(64, 25, codec, {"comment": "made by software"})
    writer.write(pictures(40, 80))
    writer.write(planar(120, 160))
    with av.open(io.BytesIO(writer.finish()), "r") as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert container.metadata["comment"] == "made by software"
        seen = [float(planes_of(frame)[0].mean()) for frame in container.decode(video=0)]
    assert seen == pytest.approx([16 + 40 * 219 / 255, 16 + 80 * 219 / 255, 120, 160], abs=4)


async def test_a_film_is_made_once_for_all_who_ask_and_lasts_in_their_caches() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as client:
        where = f"/v1/avatars/mira/idle?state=thinking&size=64&digest={MIRA.digest[:16]}"
        first, second = await asyncio.gather(client.get(where), client.get(where))
        assert first.status_code == 200
        assert first.content == second.content == (await client.get(where)).content, "each made has a number of its own"
        assert first.headers["content-type"] == "video/mp4"
        assert "immutable" in first.headers["cache-control"]
        with av.open(io.BytesIO(first.content), "r") as container:
            assert sum(1 for _ in container.decode(video=0)) == LASTS["thinking"] * 25
            assert "AIGC" in container.metadata


@pytest.mark.parametrize(
    ("query", "word"),
    [("state=asleep", "asleep"), ("size=63", "63"), ("size=9999", "9999"), ("codec=mpeg", "mpeg"), ("size=x", "x")],
)
async def test_what_can_not_be_had_is_said(query: str, word: str) -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as client:
        refused = await client.get(f"/v1/avatars/mira/idle?{query}")
        assert refused.status_code == 400
        assert word in refused.json()["error"]["message"]
