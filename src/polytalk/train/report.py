"""What the net is worth: on voices that taught it, on others, on people."""

from collections.abc import Callable, Iterator
from pathlib import Path

from polytalk.engines.mouth.mouthnet import MouthNet
from polytalk.errors import PolytalkError
from polytalk.train import humans
from polytalk.train.evaluate import Score, score_net
from polytalk.train.speech import read, record
from polytalk.train.voices import Role, Speaker, speakers

SEEN = ("heart", "slt", "af_sky", "zf_xiaoxiao")
"""Voices of the training that are measured, too …"""
SEEN_SECONDS = 32.0
OTHER_SENTENCES = 1000
"""… with this added to the seed: on sentences that they did not say there."""
Row = dict[str, str | float | int | None]


def rows(net: MouthNet, seed: int, tarball: Path, folder: Path, skipped: Callable[[str], None]) -> Iterator[Row]:
    """A row for each voice that is installed; `skipped` is told of the others."""
    for speaker, sentences in _measured(seed):
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


def _measured(seed: int) -> Iterator[tuple[Speaker, int]]:
    """Speakers, and the seed of what they say."""
    for one in speakers(1.0):
        if one.role is Role.TRAIN and one.voice in SEEN and _own_language(one):
            yield Speaker(one.engine, one.voice, one.language, one.role, SEEN_SECONDS), seed + OTHER_SENTENCES
    yield from ((one, seed) for one in speakers(1.0) if one.role is Role.TEST)


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
