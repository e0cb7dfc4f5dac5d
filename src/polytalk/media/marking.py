"""What a file says of its own making, in its metadata: the implicit label beside the visible one of `labels`.

China's labelling rules (GB 45438-2025, annex E) ask for a field `AIGC` with a small JSON object; comment and
description say the same to people, in any player. It stands where a form keeps its tags: MP4 `mdta`, ID3 TXXX,
Vorbis comments, Matroska tags, LIST-INFO of WAV, a comment of GIF. A signed C2PA manifest is no tag but a box around
the finished file: see `provenance`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from polytalk.errors import BadInput
from polytalk.media.untrusted import open_untrusted, opened

AIGC_KEY: Final = "AIGC"
_IN_COMMENT: Final = f"{AIGC_KEY}="
Content: TypeAlias = Literal["video", "sound", "picture"]
"""What was generated: person and voice, the voice alone, or the person alone."""
_STATEMENT: Final[dict[tuple[str, Content], str]] = {
    ("en", "video"): "AI-generated: the person in this video and the voice were made by artificial intelligence.",
    ("en", "sound"): "AI-generated: the voice in this recording was made by artificial intelligence.",
    ("en", "picture"): "AI-generated: the person in this video was made by artificial intelligence.",
    ("zh", "video"): "AI生成：本视频中的人物和声音由人工智能生成合成。",
    ("zh", "sound"): "AI生成：本录音中的声音由人工智能生成合成。",
    ("zh", "picture"): "AI生成：本视频中的人物由人工智能生成合成。",
}


class _Aigc(msgspec.Struct, frozen=True, rename="pascal"):
    """The JSON object of the `AIGC` field; every value is a string, absent ones are empty."""

    label: str = ""
    """1: generated; 2: possibly; 3: suspected."""
    content_producer: str = ""
    produce_id: str = msgspec.field(default="", name="ProduceID")
    reserved_code1: str = ""
    content_propagator: str = ""
    propagate_id: str = msgspec.field(default="", name="PropagateID")
    reserved_code2: str = ""


@dataclass(frozen=True, slots=True)
class Marking:
    """The statement that a file is AI-generated."""

    producer: str
    """Name or registered code of the service that made it."""
    produce_id: str
    """The producer's number for this file, unique."""
    propagator: str = ""
    """The platform that spreads it; empty at the source."""
    propagate_id: str = ""
    signature: str = ""
    """Free for the producer's own protection of the label (ReservedCode1)."""
    generated: bool = True
    """False when the field only says that the content may be generated."""

    def tags(self, language: str = "en", content: Content = "video") -> dict[str, str]:
        """Metadata for a writer. `language` is that of the statement for people, `content` what it speaks of."""
        aigc = _Aigc(
            label="1" if self.generated else "2",
            content_producer=self.producer,
            produce_id=self.produce_id,
            reserved_code1=self.signature,
            content_propagator=self.propagator,
            propagate_id=self.propagate_id,
        )
        statement = _STATEMENT["zh" if language == "zh" else "en", content]
        return {"comment": statement, "description": statement, AIGC_KEY: msgspec.json.encode(aigc).decode()}


def read_tags(source: Path | bytes) -> dict[str, str]:
    """All tags of a media file or its contents, with the names that `tags` gives. Raises BadInput."""
    found: dict[str, str] = {}
    with opened(source) as file, open_untrusted(file) as container:
        for tags in (*(stream.metadata for stream in container.streams), container.metadata):  # Ogg's are the stream's
            for key, value in tags.items():
                found[AIGC_KEY if key.upper() == AIGC_KEY else key.lower()] = value
    comment = found.get("comment", "")
    if comment.startswith(_IN_COMMENT):  # GIF has nothing but comments
        found[AIGC_KEY] = comment.removeprefix(_IN_COMMENT)
    return found


def read_marking(source: Path | bytes) -> Marking | None:
    """The marking of a media file or its contents, None when it has none. Raises BadInput if one is broken."""
    field = read_tags(source).get(AIGC_KEY)
    if field is None:
        return None
    try:
        aigc = msgspec.json.decode(field, type=_Aigc)
    except msgspec.MsgspecError as error:
        raise BadInput(f"the file has an AIGC field that is not as the labelling rules say: {error}") from None
    return Marking(
        producer=aigc.content_producer,
        produce_id=aigc.produce_id,
        propagator=aigc.content_propagator,
        propagate_id=aigc.propagate_id,
        signature=aigc.reserved_code1,
        generated=aigc.label == "1",
    )
