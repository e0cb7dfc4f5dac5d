"""Any speech recogniser behind `/audio/transcriptions`: vLLM, Speaches, whisper.cpp, OpenAI and their like."""

import io
import wave
from collections.abc import AsyncIterator, Mapping

import msgspec
import numpy as np

from polytalk.engines.asr.utterance import primary, samples
from polytalk.engines.base import parse_options
from polytalk.engines.remote import Remote, RemoteOptions
from polytalk.errors import EngineFailed
from polytalk.types import LISTEN_RATE, SAMPLE_BYTES, ListenWork, Transcript


class _Answer(msgspec.Struct, frozen=True):
    text: str
    language: str | None = None


class OpenAIAsrOptions(RemoteOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[asr.options]`. `extra_body` goes into the form: `{prompt = "Polytalk, Mira"}` helps with names."""

    language: str = "en"
    """Of a transcript when neither the job nor the server names one."""


class OpenAIAsr:
    """`StreamEngine[ListenWork, Transcript]`: one transcript for each utterance, sent as a WAV file."""

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "openai"
        self._options = parse_options(OpenAIAsrOptions, options or {}, "asr")
        self._remote = Remote(self._options, "asr")
        self.slots = self._options.slots

    def load(self) -> None:
        """Make the connection pool. Raises ConfigError when the key's environment variable is not set."""
        self._remote.open()

    def close(self) -> None:
        """Close the connections."""
        self._remote.close()

    def probe(self) -> ListenWork:
        """A second of noise: silence would not be sent."""
        noise = np.random.default_rng(0).normal(0.0, 0.05, LISTEN_RATE)
        return ListenWork(audio=(noise * 32767).astype("<i2").tobytes(), language=self._options.language)

    def units(self, work: ListenWork) -> float:
        """Seconds of audio."""
        return len(work.audio) / SAMPLE_BYTES / LISTEN_RATE

    async def stream(self, work: ListenWork) -> AsyncIterator[Transcript]:
        """The transcript; "" for silence, without asking. Raises BadInput, EngineFailed."""
        language = primary(work.language)
        if samples(work) is None:
            yield Transcript("", language or self._options.language)
            return
        body = {
            "model": self._options.model,
            "response_format": "json",
            "language": language,
            "prompt": work.prompt or None,
            "temperature": work.temperature or None,
        }
        file = {"file": ("speech.wav", _wav(work.audio), "audio/wav")}
        async with self._remote.post("audio/transcriptions", body, files=file) as response:
            content = await response.aread()
        try:
            answer = msgspec.json.decode(content, type=_Answer)
        except msgspec.DecodeError as error:
            raise EngineFailed(f"{self._remote.name} sent no transcript ({error}): {content[:100]!r}") from None
        yield Transcript(answer.text.strip(), language or _code(answer.language) or self._options.language)


def _code(language: str | None) -> str | None:
    """ISO 639-1 of what servers call a language: a code, or an English name."""
    return {"english": "en", "chinese": "zh", "mandarin": "zh"}.get((language or "").lower(), primary(language))


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(SAMPLE_BYTES)
        out.setframerate(LISTEN_RATE)
        out.writeframes(pcm)
    return file.getvalue()
