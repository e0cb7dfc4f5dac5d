"""What a client draws a face by, and when which word is said: the opt-in events beside the sound."""

from collections.abc import Iterator

import numpy as np

from polytalk.dialogue.events import Said, Spoke
from polytalk.gateway.realtime.viseme_ids import VISEMES
from polytalk.gateway.realtime.wires import Wire, event
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE


def blendshapes(what: Spoke) -> Wire:
    """The mouth for some sound."""
    frames = np.frombuffer(what.mouth, np.uint8).reshape(-1, len(MOUTH_PARAMS)) / 255
    return {"frame_index": what.first_frame, "frames": frames.round(3).tolist()}


def visemes(what: Spoke) -> Iterator[Wire]:
    """The mouth's shapes by number, each from its moment on; of a voice without phone times there are none."""
    begins = what.first_frame / MOUTH_RATE
    for phone in what.phones:
        yield {
            "audio_offset_ms": round((begins + phone.start) * 1000),
            "viseme_id": next((VISEMES[char] for char in phone.symbol if char in VISEMES), 0),
        }


def words(what: Said) -> Iterator[Wire]:
    """Each word's time: speech is taken to be even within a sentence, by letters."""
    said = what.text.split()
    letters = sum(map(len, said))
    at = what.at
    for word in said:
        lasts = what.lasts * len(word) / letters
        yield {
            "audio_offset_ms": round(at * 1000),
            "audio_duration_ms": round(lasts * 1000),
            "text": word,
            "timestamp_type": "word",
        }
        at += lasts


def phrase_timestamp(what: Said) -> Wire:
    """Where in an answer words begin whose transcript follows, when its sound takes another way."""
    return event(
        "response.audio_timestamp.delta",
        response_id=what.response,
        item_id=what.item,
        output_index=0,
        content_index=0,
        audio_offset_ms=round(what.at * 1000),
        audio_duration_ms=round(what.lasts * 1000),
        text=what.text,
        timestamp_type="phrase",
    )
