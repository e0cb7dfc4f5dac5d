"""The avatar format: what is refused, and that the shipped faces are the drawn ones."""

from typing import Any

import msgspec
import pytest

from polytalk.avatar import bundle
from polytalk.avatar.terms import PARAMETERS, parse_term
from polytalk.errors import BadInput
from tools.draw_avatars.__main__ import FACES, LIBRARY, encode

LAYER: dict[str, Any] = {"id": "a", "ops": "MLLZ", "points": [0, 0, 9, 0, 9, 9], "fill": "#ff0000"}


def face(**changes: object) -> bytes:
    """A small valid bundle, changed."""
    document: dict[str, object] = {
        "format": "polytalk-avatar/1",
        "id": "dot",
        "name": {"en": "Dot"},
        "voice": "heart",
        "style": "illustrated",
        "size": [16, 16],
        "background": "#ffffff",
        "pivot": [8, 8],
        "head": {"shift": [2, 2], "roll": 5},
        "layers": [LAYER],
        "motion": {"idle": {}, "blink": {"every": [2, 4], "seconds": 0.2}, "poses": {}, "pose_seconds": 0.3},
    }
    return msgspec.json.encode(document | changes)


def test_a_small_bundle_is_read() -> None:
    assert bundle.parse(face()).layers[0].depth == 0.0


@pytest.mark.parametrize(
    ("layers", "complaint"),
    [
        ([LAYER | {"ops": "MXZ"}], "ops"),
        ([LAYER | {"ops": "MLZL", "points": [0, 0, 1, 1, 2, 2]}], "draws on after Z"),
        ([LAYER | {"points": [0, 0]}], "has 2 numbers in `points`, its ops take 6"),
        ([LAYER | {"deltas": {"jaw": [1, 2]}}], "has 2 numbers in delta 'jaw', not 6"),
        ([LAYER | {"deltas": {"chew": [0] * 6}}], "no parameter 'chew'"),
        ([LAYER | {"deltas": {"-jaw": [0] * 6}}], "never negative"),
        ([LAYER | {"deltas": {"jaw*wide*round": [0] * 6}}], "3 factors"),
        ([LAYER | {"opacity_deltas": {"tooth": 1}}], "no parameter 'tooth'"),
        ([LAYER | {"clip": "hole"}], "clipped by 'hole', which is no earlier layer"),
        ([LAYER, LAYER], "is there twice"),
        ([LAYER | {"fill": "red"}], "fill"),
        ([LAYER | {"fill": {"stops": [[0, "#000000", 1], [1, "#ffffff", 1]]}}], "not either `linear` or `radial`"),
        ([LAYER | {"fill": {"linear": [0, 0, 1, 1], "stops": [[1, "#000000", 1], [0, "#ffffff", 1]]}}], "go back"),
        ([], "layers"),
    ],
)
def test_a_broken_layer_is_refused_with_its_name(layers: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(BadInput, match=r".") as raised:
        bundle.parse(face(layers=layers))
    assert complaint in raised.value.message


@pytest.mark.parametrize(
    "changes",
    [{"size": [100_000, 16]}, {"format": "polytalk-avatar/2"}, {"name": {"zh": "点"}}, {"id": "../etc"}],
)
def test_a_broken_head_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        bundle.parse(face(**changes))


def test_motion_of_an_unknown_parameter_is_refused() -> None:
    motion = {"idle": {"nose": []}, "blink": {"every": [2, 4], "seconds": 0.2}, "poses": {}, "pose_seconds": 0.3}
    with pytest.raises(BadInput, match="motion moves 'nose'"):
        bundle.parse(face(motion=motion))


def test_too_large_a_file_is_refused_unread() -> None:
    with pytest.raises(BadInput, match="at most"):
        bundle.parse(b" " * (bundle.MAX_BYTES + 1))


def test_a_missing_file_names_its_path() -> None:
    with pytest.raises(BadInput, match=r"nowhere/avatar\.json: can't be read"):
        bundle.load("nowhere/avatar.json")


def test_every_parameter_is_a_term() -> None:
    for name in PARAMETERS:
        assert parse_term(name).value({name: 0.5}) == 0.5
    assert parse_term("-brow*jaw").value({"brow": -0.5, "jaw": 0.5}) == 0.25
    assert parse_term("+brow").value({"brow": -0.5}) == 0.0


def test_the_library_has_two_faces_with_voices_and_chinese_names() -> None:
    assert [(face.id, face.voice, face.name["zh"]) for face in bundle.library()] == [
        ("mira", "heart", "米拉"),
        ("theo", "joe", "西奥"),
    ]


def test_the_browser_gets_the_same_face() -> None:
    for avatar in bundle.library():
        assert bundle.parse(avatar.json) == avatar


@pytest.mark.parametrize("name", FACES)
def test_the_committed_bundle_is_the_drawn_one(name: str) -> None:
    data = (LIBRARY / name / "avatar.json").read_bytes()
    assert data == encode(FACES[name]()), "run python -m tools.draw_avatars"
    assert len(data) < 150_000
