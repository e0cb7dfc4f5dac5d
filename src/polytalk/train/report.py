"""What the net is worth: on voices that taught it, on others, on people."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from polytalk.engines.models import sha256
from polytalk.engines.mouth.mouthnet import MouthNet
from polytalk.errors import PolytalkError
from polytalk.media.pcm import duration
from polytalk.train import humans
from polytalk.train.evaluate import Score, score_net
from polytalk.train.speech import Recordings, read, record
from polytalk.train.voices import Role, Speaker, speakers
from polytalk.types import SPEECH_RATE

SEEN = ("heart", "slt", "af_sky", "zf_xiaoxiao")
"""Voices of the training that are measured, too …"""
SEEN_SECONDS = 32.0
OTHER_SENTENCES = 1000
"""… with this added to the seed: on sentences that they did not say there."""
Row = dict[str, str | float | int | None]


def rows(
    net: MouthNet, seed: int, tarball: Path, folder: Path, skipped: Callable[[str], None], heard: float = 1.0
) -> Iterator[Row]:
    """A row for each voice that is installed; `skipped` is told of the others. `heard` is as in `speakers`."""
    for speaker, sentences in _measured(seed, heard):
        who = f"{speaker.voice} ({speaker.engine})"
        try:
            speech = read(record(speaker, sentences, tarball, folder))
        except PolytalkError as error:
            skipped(f"{who} was left out: {error.message}")
            continue
        yield _row(who, speaker.language, "unseen" if speaker.role is Role.TEST else "seen", score_net(net, speech))
    try:
        yield _row("people (LibriVox, cards)", "en", "unseen", score_net(net, humans.recordings()))
    except PolytalkError as error:
        skipped(f"recordings of people were left out: {error.message}")


def card(
    weights: Path, settings: Mapping[str, float], recordings: Recordings, measured: Sequence[Row], notes: Sequence[str]
) -> str:
    """The model card in Markdown: what the net learnt from, how, and how good it is. That of the shipped one is
    docs/models/mouth.md."""
    spoken: dict[tuple[str, Role, str], list[float]] = {}
    for speaker, said in recordings.items():
        seconds = sum(duration(one.audio, SPEECH_RATE) for one in said)
        spoken.setdefault((speaker.engine, speaker.role, speaker.language), []).append(seconds)
    learnt: list[Row] = [
        {
            "voices of": engine,
            "for": role,
            "language": language,
            "voices": len(each),
            "minutes": round(sum(each) / 60, 1),
        }
        for (engine, role, language), each in sorted(spoken.items())
    ]
    parts = [
        f"# {weights.name}",
        "A net that moves the mouth to speech without phone times, by `polytalk train mouth`. "
        f"{weights.stat().st_size / 1000:.0f} kB, SHA-256 `{sha256(weights)}`.",
        "What it hears and says, and what it is not good at: docs/models/mouth.md.",
        ", ".join(f"{name} {value:g}" for name, value in settings.items()),
        "## What it learnt from",
        _table(learnt),
        "## How good it is",
        _table(measured) if measured else "Not measured: no voice of the test is installed.",
        *notes,
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Row]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _measured(seed: int, heard: float) -> Iterator[tuple[Speaker, int]]:
    """Speakers, and the seed of what they say."""
    for one in speakers(1.0):
        if one.role is Role.TRAIN and one.voice in SEEN and _own_language(one):
            yield Speaker(one.engine, one.voice, one.language, one.role, SEEN_SECONDS * heard), seed + OTHER_SENTENCES
    yield from ((one, seed) for one in speakers(1.0, heard) if one.role is Role.TEST)


def _own_language(speaker: Speaker) -> bool:
    return speaker.engine != "kokoro" or (speaker.voice[0] == "z") == (speaker.language == "zh")


def _row(who: str, language: str, known: str, score: Score) -> Row:
    return {
        "voice": who,
        "language": language,
        "in training": known,
        "correlation": round(score.correlation, 3),
        "m b p": score.closures,
        "shut %": round(100 * score.hit_rate, 1),
        "idle %": round(100 * score.idle_rate, 1),
        "later ms": round(1000 * score.offset),
    }
