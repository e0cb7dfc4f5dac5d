"""`POST /v1/audio/transcriptions`: what a recording says, whole or part by part."""

import zlib
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips.subtitles import Form as SubtitleForm
from polytalk.dialogue.clips.subtitles import cues, written
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.texts.dictation import Segment, Wish, dictate
from polytalk.errors import BadInput, PolytalkError
from polytalk.gateway.names import Names
from polytalk.gateway.problems import error_body
from polytalk.gateway.rest.answers import Json, event, streamed, while_there
from polytalk.gateway.rest.errands import Errands, Uploads
from polytalk.gateway.rest.forms import fields_of
from polytalk.gateway.uploads import no_file, read_upload
from polytalk.media.decode import decode_audio
from polytalk.media.pcm import duration
from polytalk.types import LISTEN_RATE, Seconds

Shape: TypeAlias = Literal["json", "text", "verbose_json", "srt", "vtt"]
NAMES = {"en": "english", "zh": "chinese"}
PROMPT_CHARS = 2_000
SOON: Seconds = 2.0
"""After which a file should be unpacked."""


class TranscriptionForm(Struct, frozen=True, forbid_unknown_fields=True):
    """The form's fields beside `file`."""

    model: str
    language: str | None = None
    """ISO 639-1; left out, it is found."""
    prompt: str = ""
    """What stood before, or names that come up."""
    response_format: Shape = "json"
    temperature: float = 0.0
    stream: bool = False
    timestamp_granularities: list[Literal["segment", "word"]] = []
    include: list[str] = []
    chunking_strategy: str | None = None
    """Taken, and without effect: recordings are cut at pauses in any case."""


class DurationUsage(Struct, frozen=True):
    """What it cost."""

    seconds: float
    type: Literal["duration"] = "duration"


class Transcription(Struct, frozen=True):
    """All words."""

    text: str
    usage: DurationUsage


class TranscriptionSegment(Struct, frozen=True):
    """A part of the recording."""

    id: int
    start: float
    end: float
    text: str
    avg_logprob: float
    """0 where the recogniser does not say."""
    compression_ratio: float
    no_speech_prob: float
    temperature: float
    seek: int
    tokens: list[int] = []
    """Left empty."""


class VerboseTranscription(Struct, frozen=True):
    """All words, and when they were said."""

    language: str
    duration: float
    text: str
    segments: list[TranscriptionSegment] | UnsetType
    usage: DurationUsage
    task: Literal["transcribe"] = "transcribe"


class TranscriptDelta(Struct, frozen=True, tag_field="type", tag="transcript.text.delta"):
    """The words of the next part."""

    delta: str


class TranscriptDone(Struct, frozen=True, tag_field="type", tag="transcript.text.done"):
    """All words."""

    text: str


class Transcribing:
    """The routes."""

    def __init__(self, runtime: Runtime, names: Names, errands: Errands, uploads: Uploads) -> None:
        self._runtime = runtime
        self._names = names
        self._errands = errands
        self._uploads = uploads

    async def create(self, request: Request, payer: Payer) -> Response:
        """The words in the shape that was asked for."""
        limits = self._runtime.settings.limits
        with self._uploads.one(payer.tenant):
            form = await read_upload(request, "file", limits.max_upload_bytes)
            asked = fields_of(form, TranscriptionForm, lists=("timestamp_granularities", "include"))
            self._check(asked)
            file = form.file
            if file is None:
                raise no_file("file")
            pcm = await self._runtime.compute(
                lambda: decode_audio(
                    file, LISTEN_RATE, max_seconds=limits.max_audio_seconds, max_bytes=limits.max_upload_bytes
                ),
                SOON,
            )
        if asked.stream and asked.response_format == "json":
            return await streamed(request, self._events(asked, pcm, payer), "text/event-stream")
        segments = await while_there(request, self._all(asked, pcm, payer))
        return _shaped(asked, segments, duration(pcm, LISTEN_RATE))

    async def translate(self, request: Request, payer: Payer) -> Response:
        """No engine here can."""
        raise BadInput(
            "the recogniser here writes what was said and does not translate; transcribe with /v1/audio/transcriptions "
            "and have a language model translate the text",
            code="unsupported_operation",
        )

    def _check(self, asked: TranscriptionForm) -> None:
        self._names.check(asked.model, "transcription")
        if "word" in asked.timestamp_granularities:
            raise BadInput(
                "the recogniser here does not tell when each word was said; ask for segments",
                code="unsupported_parameter",
                param="timestamp_granularities",
            )
        if asked.include:
            raise BadInput("log probabilities are not given here", code="unsupported_parameter", param="include")
        if len(asked.prompt) > PROMPT_CHARS:
            raise BadInput(f"a prompt may have {PROMPT_CHARS} characters, not {len(asked.prompt)}", param="prompt")
        if not 0 <= asked.temperature <= 1:
            raise BadInput(f"temperature is {asked.temperature}; it must lie in 0..1", param="temperature")

    async def _segments(self, asked: TranscriptionForm, pcm: bytes, payer: Payer) -> AsyncGenerator[Segment, None]:
        wish = Wish(asked.language, asked.prompt, asked.temperature)
        runtime = self._runtime
        async with self._errands.admitted(payer) as scope:
            heard = dictate(scope, runtime.kit, runtime.vad, runtime.compute, pcm, wish)
            async with aclosing(heard):
                async for segment in heard:
                    yield segment

    async def _all(self, asked: TranscriptionForm, pcm: bytes, payer: Payer) -> list[Segment]:
        async with aclosing(self._segments(asked, pcm, payer)) as segments:
            return [segment async for segment in segments]

    async def _events(self, asked: TranscriptionForm, pcm: bytes, payer: Payer) -> AsyncGenerator[bytes, None]:
        text = ""
        try:
            async with aclosing(self._segments(asked, pcm, payer)) as segments:
                async for segment in segments:
                    delta = _after(text, segment)
                    text += delta
                    yield event(TranscriptDelta(delta))
        except PolytalkError as error:
            if not text:
                raise
            yield event(error_body(error))
            return
        yield event(TranscriptDone(text))


def _after(text: str, segment: Segment) -> str:
    """A segment's words as they stand behind others."""
    said = segment.transcript
    return said.text if not text or said.language == "zh" else f" {said.text}"


def _shaped(asked: TranscriptionForm, segments: list[Segment], length: Seconds) -> Response:
    text = ""
    for segment in segments:
        text += _after(text, segment)
    usage = DurationUsage(round(length, 3))
    match asked.response_format:
        case "json":
            return Json(Transcription(text, usage))
        case "text":
            return PlainTextResponse(f"{text}\n")
        case "srt" | "vtt":
            return _subtitles(asked.response_format, segments)
        case "verbose_json":
            heard = Counter(segment.transcript.language for segment in segments).most_common(1)
            language = heard[0][0] if heard else asked.language or "en"
            wanted = not asked.timestamp_granularities or "segment" in asked.timestamp_granularities
            shown = [_segment(asked, number, one) for number, one in enumerate(segments)]
            return Json(
                VerboseTranscription(
                    NAMES.get(language, language), round(length, 3), text, shown if wanted else UNSET, usage
                )
            )


def _subtitles(form: SubtitleForm, segments: list[Segment]) -> Response:
    shown = (cue for one in segments for cue in cues(one.start, one.end, one.transcript.text))
    return PlainTextResponse(written(form, shown), media_type="text/vtt" if form == "vtt" else "application/x-subrip")


def _segment(asked: TranscriptionForm, number: int, segment: Segment) -> TranscriptionSegment:
    said = segment.transcript
    content = said.text.encode()
    return TranscriptionSegment(
        id=number,
        start=round(segment.start, 3),
        end=round(segment.end, 3),
        text=said.text,
        avg_logprob=said.score,
        compression_ratio=len(content) / len(zlib.compress(content)),
        no_speech_prob=said.no_speech,
        temperature=asked.temperature,
        seek=round(segment.start * 100),
    )
