"""What people say to a speaker so that he goes on: it interrupts nobody.

Yngve, "On getting a word in edgewise" (1970), called it the back channel.
"""

import re
from typing import Final

from polytalk.types import Transcript

LONGEST_MS: Final = 1_000
"""Whoever speaks for longer has something to say, whatever it is."""

_WORDS: Final = {
    "en": frozenset(
        [
            *("uh", "huh", "uhhuh", "mm", "mmm", "hm", "hmm", "mhm", "mmhmm", "um", "umm", "ah", "aha", "oh", "ooh"),
            *("yeah", "yep", "yup", "yes", "ok", "okay", "right", "sure", "really", "wow", "nice", "cool", "great"),
            *("good", "haha", "ha", "mmhm"),
        ]
    ),
    "zh": frozenset("嗯唔哦噢喔啊呃额哈诶对是的好行嘛呀吧"),
}
_PHRASES: Final = {
    "en": frozenset(
        ["i see", "got it", "go on", "of course", "all right", "i know", "that s right", "uh huh", "mm hm"]
    ),
    "zh": frozenset(["明白", "明白了", "知道了", "这样啊", "原来如此", "是这样", "没错", "懂了", "真的吗"]),
}


def interrupts(said: Transcript) -> bool:
    """Whether an utterance of at most `LONGEST_MS` is meant to stop who speaks; noise and coughs have no words."""
    text = re.sub(r"[\s\W_]+", " ", said.text.lower()).strip()
    language = "zh" if said.language == "zh" else "en"
    units = text.replace(" ", "") if language == "zh" else text.split()
    return not (text in _PHRASES[language] or all(unit in _WORDS[language] for unit in units))
