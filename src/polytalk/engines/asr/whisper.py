"""Whisper on CTranslate2: utterances of many users in one run."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from polytalk.engines.asr.decoder import Decoder, Heard
from polytalk.engines.asr.judge import endless, invented, repeats
from polytalk.engines.asr.mel import HOP, log_mel
from polytalk.engines.asr.split import at_quiet_points
from polytalk.engines.asr.utterance import primary, samples
from polytalk.engines.asr.weights import WEIGHTS
from polytalk.engines.base import parse_options
from polytalk.engines.threads import shared_by
from polytalk.errors import BadInput, EngineFailed, PolytalkError, SetupError
from polytalk.types import LISTEN_RATE, SAMPLE_BYTES, ListenWork, Transcript

PIECE = 30 * LISTEN_RATE
"""Samples that fit one window."""
_WINDOW = 3000  # mel frames that Whisper was trained on: 30 s
_LEAST, _TAIL, _STEP = 1000, 700, 100


class WhisperOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """`[asr.options]`."""

    model: Literal["tiny.en", "base"] = "tiny.en"
    languages: tuple[str, ...] = ("en", "zh")
    """What `base` may take an utterance for."""
    num_threads: int = 0
    """Threads that share one batch: they hasten it by a third, and cost a twelfth more. 0 for two where they may sleep
    while they wait for each other, else one."""
    inter_threads: int = 0
    """Batches computed side by side; 0 for one a core of the machine."""


class _Piece(Struct, eq=False):
    """What fits one window of an utterance, and what was heard in it."""

    samples: NDArray[np.float32]
    language: str | None
    prompt: str = ""
    temperature: float = 0.0
    heard: Heard | EngineFailed | None = None
    """None until it is decoded."""


def window(samples: int) -> int:
    """Mel frames to compute for so many samples.

    Whisper was trained on windows of 30 s. A shorter one serves as well and costs a fifth, if 7 s of silence follow
    the speech and it is no shorter than 10 s. With 2 s less of each the decoder looped in 1 of 20 sentences, which
    costs more than it saves. In steps, so that utterances batch.
    """
    frames = max(_LEAST, samples // HOP + _TAIL)
    return min(-(-frames // _STEP) * _STEP, _WINDOW)


class WhisperAsr:
    """`BatchEngine[ListenWork, Transcript]`. `run` may be called by several threads at once."""

    max_batch = 8

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "whisper"
        self._options = parse_options(WhisperOptions, options or {}, "asr")
        self._decoder: Decoder | None = None
        self._simplify: Callable[[str], str] = str

    def load(self) -> None:
        """Verify and read the weights (1 to 2 s). Raises ModelMissing, ModelCorrupt, ConfigError, SetupError."""
        decoder = Decoder(
            WEIGHTS[self._options.model].folder(),
            languages=self._options.languages,
            threads=self._options.num_threads or shared_by(),
            side_by_side=self._options.inter_threads or os.cpu_count() or 1,
        )
        if "zh" in decoder.known:
            self._simplify = _simplifier()
        self._decoder = decoder

    def close(self) -> None:
        """Drop the model."""
        self._decoder = None

    def probe(self) -> ListenWork:
        """A second of noise: silence would not reach the model."""
        noise = np.random.default_rng(0).normal(0.0, 0.05, LISTEN_RATE)
        return ListenWork(audio=(noise * 32767).astype("<i2").tobytes(), language="en")

    def units(self, work: ListenWork) -> float:
        """Seconds of spectrogram to compute, the silence that Whisper needs after the speech included."""
        full, rest = divmod(len(work.audio) // SAMPLE_BYTES, PIECE)
        return (full * _WINDOW + (window(rest) if rest or not full else 0)) * HOP / LISTEN_RATE

    def run(self, batch: Sequence[ListenWork]) -> Sequence[Transcript | PolytalkError]:
        """One transcript for each utterance: "" where nobody spoke, BadInput where the audio can't be used."""
        if self._decoder is None:
            raise SetupError("the speech recogniser was asked before load()")
        cut = [self._cut(work, self._decoder.known) for work in batch]
        groups: dict[tuple[int, str, float], list[_Piece]] = defaultdict(list)
        for pieces in cut:
            for piece in pieces if isinstance(pieces, list) else ():
                groups[window(len(piece.samples)), piece.prompt, piece.temperature].append(piece)
        for (frames, _, _), group in groups.items():
            for start in range(0, len(group), self.max_batch):
                _hear(self._decoder, group[start : start + self.max_batch], frames)
        return [
            pieces if isinstance(pieces, BadInput) else self._join(pieces, work.language)
            for pieces, work in zip(cut, batch, strict=True)
        ]

    def _cut(self, work: ListenWork, known: Sequence[str]) -> list[_Piece] | BadInput:
        """The pieces of an utterance; none when it holds no sound."""
        language = primary(work.language)
        if language is not None and language not in known:
            return BadInput(
                f"the ASR model {self._options.model} does not know the language {work.language!r}; "
                'set [asr.options] model = "base" for more than English',
                param="language",
            )
        try:
            audio = samples(work)
        except BadInput as error:
            return error
        if audio is None:
            return []
        return [_Piece(one, language, work.prompt, work.temperature) for one in at_quiet_points(audio, PIECE)]

    def _join(self, pieces: Sequence[_Piece], asked: str | None) -> Transcript | PolytalkError:
        spoken: list[Heard] = []
        for piece in pieces:
            if isinstance(piece.heard, EngineFailed):
                return piece.heard
            if piece.heard and not invented(piece.heard.text, piece.heard.no_speech, piece.heard.score):
                spoken.append(piece.heard)
        language = spoken[0].language if spoken else primary(asked) or "en"
        text = ("" if language == "zh" else " ").join(one.text for one in spoken)
        score = min((one.score for one in spoken), default=0.0)
        no_speech = max((one.no_speech for one in spoken), default=0.0)
        return Transcript(self._simplify(text) if language == "zh" else text, language, score, no_speech)


def _hear(decoder: Decoder, pieces: Sequence[_Piece], frames: int) -> None:
    """Decode pieces whose windows have the same size, and their prompts and temperatures."""
    features = np.stack([log_mel(piece.samples, frames) for piece in pieces])
    seconds = max(len(piece.samples) for piece in pieces) / LISTEN_RATE
    try:
        prompt, temperature = pieces[0].prompt, pieces[0].temperature
        heard = decoder.decode(
            features,
            [piece.language for piece in pieces],
            seconds=seconds,
            prompt=prompt,
            temperature=temperature,
        )
        for piece, one in zip(pieces, heard, strict=True):
            lost = repeats(one.text) or (prompt and not one.text)  # a prompt of another kind may silence it
            piece.heard = _again(decoder, piece.samples, one) if lost else one
    except RuntimeError as error:
        for piece in pieces:
            piece.heard = EngineFailed(f"the speech recogniser failed: {error}")


def _again(decoder: Decoder, samples: NDArray[np.float32], first: Heard) -> Heard:
    """Decode with the whole window, in which loops are rarest."""
    features, seconds = log_mel(samples, _WINDOW)[None], len(samples) / LISTEN_RATE
    (heard,) = decoder.decode(features, [first.language], seconds=seconds)
    if endless(heard.text):  # the last resort: it garbles what was truly said twice
        (heard,) = decoder.decode(features, [first.language], seconds=seconds, no_repeat=3)
    return heard


def _simplifier() -> Callable[[str], str]:
    """Traditional to simplified characters: the model writes both, often in one sentence."""
    try:
        from opencc import OpenCC
    except ImportError:
        raise SetupError("Chinese speech recognition needs OpenCC. Run: pip install OpenCC") from None
    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert
