"""Who is cut off, and who waits: silence alone against the words, on utterances that are whole and that go on."""

from collections.abc import Callable
from statistics import fmean

from bench.plan import Plan
from bench.report import Figure, Row
from bench.utterances import OPEN, WHOLE
from polytalk.dialogue.ears.completeness import PATIENCE_MS, Verdict, judge

PAUSES_MS = (200, 350, 500, 700, 1_000, 1_500, 2_500)
"""Of somebody who goes on; each utterance that does is paused in for each of these."""

Waits = Callable[[str, str], int]
"""Text and language -> the silence that ends the turn, in ms."""


def measure(plan: Plan) -> Figure:
    contenders: dict[str, Waits] = {f"silence of {ms} ms": _by_silence(ms) for ms in (300, 500, 800)}
    contenders |= {f"words, eagerness {name}": _by_words(name) for name in PATIENCE_MS}
    rows: list[Row] = [{"turn ends by": name, **outcome(waits)} for name, waits in contenders.items()]
    rows += [{"turn ends by": f"judged right, {language}", **right(language)} for language in WHOLE]
    notes = [
        f"{sum(map(len, WHOLE.values()))} whole utterances and {sum(map(len, OPEN.values()))} that go on, English and "
        "Chinese. They have the same author as the rules, so they try the rules, not people.",
        "Recognition is taken to be right, and to be there in time.",
        f"Pauses of {', '.join(map(str, PAUSES_MS))} ms in each that goes on.",
    ]
    return Figure(
        "turn_ends", "Turns cut off, and the wait at their end", "fewer and shorter than by silence", rows, notes
    )


def outcome(waits: Waits) -> dict[str, float]:
    """Pauses taken for the end, in %, and the mean silence at true ends, in ms."""
    cut = [pause >= waits(text, language) for language, texts in OPEN.items() for text in texts for pause in PAUSES_MS]
    ends = [waits(text, language) for language, texts in WHOLE.items() for text in texts]
    return {"cut off, % of pauses": round(100 * fmean(cut), 1), "wait at the end, ms": round(fmean(ends))}


def right(language: str) -> dict[str, str]:
    """Verdicts as they should be."""
    whole = sum(judge(text, language) is Verdict.COMPLETE for text in WHOLE[language])
    going_on = sum(judge(text, language) is Verdict.INCOMPLETE for text in OPEN[language])
    return {
        "cut off, % of pauses": f"{going_on} of {len(OPEN[language])} go on",
        "wait at the end, ms": f"{whole} of {len(WHOLE[language])} whole",
    }


def _by_silence(ms: int) -> Waits:
    return lambda text, language: ms


def _by_words(eagerness: str) -> Waits:
    return lambda text, language: PATIENCE_MS[eagerness][judge(text, language)]
