"""Any voice behind `/audio/speech`: vLLM-omni, Speaches, Kokoro-FastAPI, OpenAI and their like."""

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx

from polytalk.engines.base import Voice, parse_options
from polytalk.engines.remote import Remote, RemoteOptions
from polytalk.errors import BadInput, ConfigError, EngineFailed, Unspeakable
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, SpeakWork, Speech

_PIECE = SPEECH_RATE // 10 * SAMPLE_BYTES
"""Bytes of a chunk, 100 ms: large enough to be worth a message, small enough for an early first sound."""


class OpenAITtsOptions(RemoteOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[tts]] options`."""

    voices: tuple[str, ...] = ("alloy",)
    """What the server calls its voices; the first is the default."""
    languages: tuple[str, ...] = ("en", "zh")
    """What these voices speak."""


class OpenAITts:
    """`StreamEngine[SpeakWork, Speech]` that asks for raw PCM16 at 24 kHz. Gives no phone times."""

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "openai"
        self._options = parse_options(OpenAITtsOptions, options or {}, "tts")
        if not self._options.voices:
            raise ConfigError("[tts.options] voices must name at least one voice of the server")
        self._remote = Remote(self._options, "tts")
        self.slots = self._options.slots

    def load(self) -> None:
        """Make the connection pool. Raises ConfigError when the key's environment variable is not set."""
        self._remote.open()

    def close(self) -> None:
        """Close the connections."""
        self._remote.close()

    def voices(self) -> Sequence[Voice]:
        """The voices named in the options."""
        return [Voice(id=name, name=name, languages=self._options.languages) for name in self._options.voices]

    def probe(self) -> SpeakWork:
        """One word."""
        return SpeakWork(text="Hello.", voice=self._options.voices[0], language=self._options.languages[0])

    def units(self, work: SpeakWork) -> float:
        """Characters."""
        return float(len(work.text))

    async def stream(self, work: SpeakWork) -> AsyncIterator[Speech]:
        """The sentence as it is spoken, in chunks of about 100 ms. Raises BadInput, EngineFailed."""
        if work.voice not in self._options.voices:
            known = ", ".join(self._options.voices)
            raise BadInput(f"{self._remote.name} has no voice {work.voice!r} here; the options name {known}")
        if not any(letter.isalnum() for letter in work.text):
            raise Unspeakable(f"there is nothing to say in {work.text!r}")
        body = {
            "model": self._options.model,
            "voice": work.voice,
            "input": work.text,
            "response_format": "pcm",
            "speed": work.speed,
        }
        spoken = False
        async with self._remote.post("audio/speech", body) as response:
            self._check(response)
            rest = b""
            async for data in response.aiter_bytes():
                rest += data
                if len(rest) >= _PIECE:
                    whole = len(rest) - len(rest) % SAMPLE_BYTES  # a packet may end inside a sample
                    spoken = True
                    yield Speech(rest[:whole])
                    rest = rest[whole:]
        if len(rest) % SAMPLE_BYTES:
            raise EngineFailed(f"{self._remote.name} sent half a sample: that is no PCM16 audio")
        if rest:
            yield Speech(rest)
        elif not spoken:
            raise EngineFailed(f"{self._remote.name} sent no audio for {work.text[:60]!r}")

    def _check(self, response: httpx.Response) -> None:
        """Servers that do not know `pcm` send some other format, which would be played as noise."""
        kind = response.headers.get("content-type", "").partition(";")[0].lower()
        compressed = kind.startswith("audio/") and kind not in ("audio/pcm", "audio/l16", "audio/x-pcm", "audio/raw")
        if compressed or kind in ("application/json", "text/html"):
            raise EngineFailed(
                f'{self._remote.name} answered {kind} where raw PCM was asked for (response_format = "pcm")'
            )
