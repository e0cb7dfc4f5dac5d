"""The rulers that faces are measured with, on lips of which it is known what they do."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.avatar.library import Library
from polytalk.cli.facebench import command, identity, lips, looks, wav2lip
from polytalk.cli.facebench.cost import sessions
from polytalk.cli.facebench.measure import Row, network
from polytalk.cli.facebench.said import Said
from polytalk.cli.facebench.subjects import Subject, interior, subjects
from polytalk.errors import BadInput, EngineFailed, ModelMissing, SetupError
from polytalk.types import MOUTH_PARAMS, SPEECH_RATE, Phone

LASTS = 4.0
MOMENTS = np.arange(round(LASTS * lips.FPS)) / lips.FPS


@pytest.fixture(scope="module")
def mira(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("avatars")
    return next(one for one in subjects(Library(folder), None, folder, pytest.fail) if one.name == "mira")


def said(*phones: Phone) -> Said:
    beats = np.sin(2 * np.pi * 3 * np.arange(round(LASTS * SPEECH_RATE)) / SPEECH_RATE) ** 2
    chance = np.random.default_rng(0).normal(0, 3000, len(beats))
    return Said((beats * chance).astype("<i2").tobytes(), phones, bytes(round(LASTS * 50) * len(MOUTH_PARAMS)))


@pytest.mark.parametrize("late", [-0.08, -0.02, 0.0, 0.03, 0.1])
def test_lips_that_are_late_are_found_to_be_so(late: float) -> None:
    chance = np.random.default_rng(1)
    starts = np.cumsum(chance.uniform(0.15, 0.35, 12))
    speech = said(*(Phone("ɑ", float(start), float(start) + 0.1) for start in starts))
    moved = said(*(Phone("ɑ", float(start) + late, float(start) + 0.1 + late) for start in starts))
    found = lips.offset([(lips.vowels(moved, MOMENTS), lips.vowels(speech, MOMENTS))])
    assert found == pytest.approx(late, abs=0.012)


def test_loudness_is_loudest_where_it_is_loud() -> None:
    level = lips.loudness(said(), MOMENTS)
    assert level.max() == pytest.approx(0.0, abs=1e-6)
    assert level[MOMENTS == 0.0][0] < -10
    assert level.min() >= lips.QUIET_DB


def test_a_seal_counts_only_near_its_phone() -> None:
    speech = said(Phone("m", 0.98, 1.02), Phone("b", 1.98, 2.02), Phone("s", 3.0, 3.1))
    gap = np.full(len(MOMENTS), 0.2)
    gap[np.abs(MOMENTS - 1.04) < 1e-6] = 0.0
    gap[np.abs(MOMENTS - 2.16) < 1e-6] = 0.0
    seen = lips.Opening(MOMENTS, gap, np.full(len(MOMENTS), np.nan))
    assert lips.seals(seen, speech) == (2, 1, 0)
    assert lips.near(speech).sum() == 6


def test_the_inside_of_a_drawn_mouth_shows_when_it_opens_and_never_when_pressed(mira: Subject) -> None:
    assert mira.ghost is not None
    rest, half, wide, pressed = (
        interior(mira.ghost.frame(mouth)) for mouth in ({}, {"jaw": 0.4}, {"jaw": 0.9}, {"jaw": 0.9, "press": 1.0})
    )
    assert rest < 30 < half < wide
    assert pressed < 30
    assert interior(mira.renderer.frame({"jaw": 0.9})) == 0.0, "only a ghost is green inside"


def test_blinks_are_counted_by_their_beginnings() -> None:
    assert looks.times_above([0.0, 0.9, 1.0, 0.2, 0.0, 0.7, 0.1]) == 2


def test_what_a_session_costs_is_told_for_every_way_to_serve_it(mira: Subject) -> None:
    speech = said(Phone("m", 0.0, 2.0), Phone("ɑ", 2.0, 4.0))
    cheap = sessions(mira, speech._replace(audio=speech.audio[: SPEECH_RATE // 2]))
    assert cheap.rig > cheap.full > 0
    assert cheap.full_ms > 1


def test_portraits_that_can_not_be_used_are_told_of(tmp_path: Path) -> None:
    portraits = tmp_path / "portraits"
    portraits.mkdir()
    (portraits / "none.jpg").write_bytes(b"no picture")
    told: list[str] = []
    names = [one.name for one in subjects(Library(tmp_path / "avatars"), portraits, tmp_path, told.append)]
    assert names == ["mira", "theo"]
    assert len(told) == 1
    assert told[0].startswith("none was left out: ")


def test_a_bench_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []

    def faces(_: object, __: object, ___: object, only: str | None, known: set[str]) -> Iterator[Row]:
        asked.append(set(known))
        for name in ("mira", "theo"):
            if name not in known:
                yield {"face": name, "shut %": 99.0}
                if len(asked) == 1:
                    raise KeyboardInterrupt

    def drawn(told: Callable[[str], None]) -> Row:
        told("wav2lip: random weights")
        return {"face": "wav2lip", "full": 0.9}

    monkeypatch.setattr(command, "faces", faces)
    monkeypatch.setattr(command, "network", drawn)
    out = tmp_path / "faces.json"
    with pytest.raises(KeyboardInterrupt):
        command.run(None, out, resume=True)
    command.run(None, out, resume=True)
    command.run(None, out, resume=True)
    assert asked == [set(), {"mira"}, {"mira", "theo", "wav2lip"}]
    made = msgspec.json.decode(out.read_bytes())
    assert [row["face"] for row in made["rows"]] == ["mira", "theo", "wav2lip"]
    assert made["notes"].count("wav2lip: random weights") == 1
    assert "| shut % | 99.0 | 99.0 | – |" in out.with_suffix(".md").read_text("utf-8")
    out.write_text("[1]")
    with pytest.raises(BadInput, match="no file of this command"):
        command.run(None, out, resume=True)


def test_a_head_that_shakes_is_told_from_one_that_glides() -> None:
    chance = np.random.default_rng(0)
    picture = cv2.GaussianBlur(chance.normal(128, 60, (160, 160)).astype(np.float32), (0, 0), 2)

    def stepped(places: NDArray[np.floating[Any]]) -> float:
        shifts = [np.array([[1, 0, x], [0, 1, 0]], np.float32) for x in places]
        seen = [cv2.warpAffine(picture, shift, (160, 160)) for shift in shifts]
        return looks.unevenness([np.asarray(one[40:120, 40:120], np.float32) for one in seen])

    even = np.arange(30) * 0.2
    assert stepped(even) < 0.05
    assert stepped(even + np.arange(30) % 2 * 0.5) == pytest.approx(1.0, abs=0.2)


def embedder(folder: Path, body: str) -> Path:
    """A Python that runs `body` instead of the program it is given."""
    program = folder / "python"
    program.write_text(f"#!{sys.executable}\n{body}\n")
    program.chmod(0o755)
    return program


MEAN_COLOUR = """
import array, struct, sys
while len(head := sys.stdin.buffer.read(8)) == 8:
    width, height = struct.unpack('<II', head)
    pixels = sys.stdin.buffer.read(width * height * 3)
    mean = sum(pixels[::97]) / len(pixels[::97]) / 255
    sys.stdout.buffer.write(array.array('f', [mean if mean > 0.02 else float('nan')] * 128).tobytes())
"""


def test_a_face_is_held_against_its_photograph_and_other_people(mira: Subject, tmp_path: Path) -> None:
    python = embedder(tmp_path, MEAN_COLOUR)
    grey = np.full((64, 64, 3), 128, np.uint8)
    (other,) = identity.embed([grey], python)
    found = identity.distances(mira, {"grey": other, "mira": other * 0}, [{"jaw": 0.8}] * 20, python)
    assert found is not None
    assert found.looked == identity.SPOKEN + identity.RESTED + len(identity.BLINKS)
    assert found.missed == 0
    assert 0 <= found.speaking < 0.1 < found.others
    unseen = mira._replace(portrait=np.zeros_like(mira.portrait))
    assert identity.distances(unseen, {}, [{}], python) is None, "no face is no photo, and no error"


def test_portraits_are_known_by_name_but_for_those_that_show_no_face(tmp_path: Path) -> None:
    python = embedder(tmp_path, MEAN_COLOUR)
    for name, level in (("ann", 200), ("night", 0)):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((1200, 900, 3), level, np.uint8))
    (tmp_path / "none.jpg").write_bytes(b"no picture")
    assert identity.portraits(tmp_path, python).keys() == {"ann"}
    assert identity.small(np.zeros((1200, 900, 3), np.uint8)).shape == (512, 384, 3)


def test_an_embedding_that_is_missing_or_fails_is_told(tmp_path: Path) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(SetupError, match=r"bench/identity/setup\.sh"):
        identity.embed([picture], tmp_path / "none")
    with pytest.raises(EngineFailed, match="no such network"):
        identity.embed([picture], embedder(tmp_path, "raise SystemExit('no such network')"))
    with pytest.raises(EngineFailed, match="exit code 0"):
        identity.embed([picture], embedder(tmp_path, "print('short')"))


def test_a_network_of_random_weights_has_throughput_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(wav2lip, "open_random", lambda: None)
    monkeypatch.setattr(wav2lip, "picture", lambda _, batch: 0.05 / batch)
    row = network(told.append)
    assert row == {"face": "wav2lip", "kind": "random weights", "full ms": 3.1, "full": 12.8}
    assert "1: 50.0, 4: 12.5, 16: 3.1" in told[0]

    def absent() -> None:
        raise ModelMissing("a network needs onnx")

    monkeypatch.setattr(wav2lip, "open_random", absent)
    assert network(told.append) is None
    assert told[1] == "wav2lip was left out: a network needs onnx"
