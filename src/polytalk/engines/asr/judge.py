"""Telling what Whisper heard from what it made up."""

import re
import zlib

_SURE_SILENCE = 0.6
"""Probability of `<|nospeech|>` above which a text is not believed; short answers gave 0.12, noise and tones 0.82."""
_REPEATS = 2.4
"""How far zlib shrinks a text that goes round in circles (Radford et al. 2022, section 4.5); prose stays below 2."""

# What Whisper says to silence, learnt from the subtitles it was trained on; also things that people do say.
_SUBTITLES = frozenset(
    {
        "you",
        "bye",
        "thank you",
        "thanks for watching",
        "thank you for watching",
        "thank you very much",
        "please subscribe",
        "subtitles by the amara org community",
        "谢谢",
        "谢谢观看",
        "謝謝觀看",
        "字幕by索兰娅",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    }
)


def invented(text: str, no_speech: float, score: float) -> bool:
    """Whether a text stands for silence or noise.

    `no_speech` is the probability that nobody spoke, `score` the mean log probability of the tokens. A typical
    subtitle needs less proof than other text, and is believed when the audio has speech in it.
    """
    words = re.sub(r"[^\w]+", " ", text.lower()).strip()
    if not words:
        return True
    return no_speech > (_SURE_SILENCE / 2 if words in _SUBTITLES and score < -0.5 else _SURE_SILENCE)


def repeats(text: str) -> bool:
    """Whether a text ends by saying again what it said before: a decoder in a loop, or an insistent user.

    That is four or more words twice in a row, or its last six words anywhere before.
    """
    words = re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", text.lower())
    in_a_row = any(words[-2 * length : -length] == words[-length:] for length in range(4, len(words) // 2 + 1))
    return in_a_row or any(words[start : start + 6] == words[-6:] for start in range(len(words) - 6))


def endless(text: str) -> bool:
    """Whether a text goes round in circles as nobody speaks."""
    data = text.encode()
    return len(data) > 60 and len(data) / len(zlib.compress(data)) > _REPEATS
