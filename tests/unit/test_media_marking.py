"""The marking in the metadata of a file."""

import io
import json
from pathlib import Path

import av
import numpy as np
import pytest

from polytalk.errors import BadInput
from polytalk.media.marking import Marking, read_marking
from polytalk.media.mp4 import Mp4Writer


def clip(metadata: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with Mp4Writer(target, 32, 32, metadata=metadata) as writer:
        writer.write_frame(np.zeros((32, 32, 3), np.uint8))
    return target.getvalue()


def test_a_marking_reads_back_from_the_file(tmp_path: Path) -> None:
    marking = Marking('示例科技 "A"', "clip_42", "a platform", "p1", "c2ln")
    file = tmp_path / "clip.mp4"
    file.write_bytes(clip(marking.tags("zh")))
    assert read_marking(file) == marking


def test_the_field_is_as_the_labelling_rules_say() -> None:
    with av.open(io.BytesIO(clip(Marking("maker", "7").tags())), "r") as container:
        tags = container.metadata
    assert json.loads(tags["AIGC"]) == {
        "Label": "1",
        "ContentProducer": "maker",
        "ProduceID": "7",
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    assert tags["comment"] == tags["description"]
    assert tags["comment"].startswith("AI-generated")


def test_a_file_without_a_marking_has_none() -> None:
    assert read_marking(clip({"comment": "a holiday"})) is None


def test_a_marking_of_another_maker_is_read_leniently() -> None:
    read = read_marking(clip({"AIGC": '{"Label": "2", "ContentProducer": "x", "Extra": 1}'}))
    assert read == Marking("x", "", generated=False)


@pytest.mark.parametrize("field", ["no json", '{"Label": 1}', "[]"])
def test_a_broken_field_is_an_error(field: str) -> None:
    with pytest.raises(BadInput, match="AIGC"):
        read_marking(clip({"AIGC": field}))


def test_what_is_no_media_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no audio or video"):
        read_marking(b"no media at all")
    with pytest.raises(BadInput, match="No such file"):
        read_marking(tmp_path / "nothing.mp4")
