"""Real work to measure engines with: sentences, questions that a voice asks, prompts with a persona before them."""

from collections.abc import Sequence
from itertools import count
from typing import Literal, TypeAlias

from polytalk.dialogue.persona import Persona
from polytalk.types import Message, ThinkWork

Language: TypeAlias = Literal["en", "zh"]

SENTENCES: dict[Language, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("Of course.", "Good morning.", "I think so."),
        (
            "The museum opens at nine in the morning.",
            "You can take the train from the north gate.",
            "A small table by the window is still free.",
        ),
        (
            "If the weather stays as it is, we can walk along the river and have lunch in the old mill afterwards.",
            "Most people begin with the short course, and come back in the autumn when they have found the time.",
            "Put the flour and the butter in a bowl, add a little cold water, and leave it to rest for an hour.",
        ),
    ),
    "zh": (
        ("好的。", "早上好。", "没问题。"),
        ("博物馆早上九点开门。", "您可以从北门坐火车过去。", "靠窗还有一张小桌子。"),
        (
            "如果天气还像现在这样好，我们可以沿着河边散步，然后去老磨坊吃午饭。",
            "大多数人先上短期课程，等到秋天有了时间再回来继续学习。",
            "把面粉和黄油放进碗里，加一点冷水，然后静置一个小时。",
        ),
    ),
}
"""Short, usual and long, as the dialogue cuts them: the first clause of an answer, the second, a whole sentence."""

QUESTIONS: dict[Language, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("What can you do?", "Who are you?", "Is it open today?"),
        (
            "How do I make a good cup of coffee at home?",
            "Can you recommend a book for a long train journey?",
            "What should I see if I have one day in the city?",
        ),
        (
            "I have two children and one free afternoon, and it is going to rain, so what can we do in town together?",
            "My order should have come on Monday, and it is Friday now, so can you tell me where the parcel is?",
            "I want to learn to play the piano, but I have never read music before, so where would you begin?",
        ),
    ),
    "zh": (
        ("你会做什么？", "你是谁？", "今天开门吗？"),
        ("怎样在家里泡一杯好咖啡？", "坐火车的时候看什么书比较好？", "在这座城市玩一天应该去哪里？"),
        (
            "我有两个孩子，下午有空，可是外面要下雨，我们在城里可以一起做些什么呢？",
            "我的包裹本来应该星期一到，现在已经星期五了，你能告诉我它在哪里吗？",
            "我想学钢琴，可是以前从来没有学过看乐谱，你觉得我应该从哪里开始呢？",
        ),
    ),
}
"""About 1, 3 and 6 seconds when spoken."""

STORY: dict[Language, str] = {"en": "Tell me a long story about {} and {}.", "zh": "请给我讲一个关于{}和{}的长故事。"}
WHO: dict[Language, tuple[str, ...]] = {
    "en": ("a fox", "a whale", "a baker", "the moon"),
    "zh": ("狐狸", "鲸鱼", "面包师", "月亮"),
}
WHAT: dict[Language, tuple[str, ...]] = {
    "en": ("the sea", "a train", "winter", "tea"),
    "zh": ("大海", "火车", "冬天", "茶"),
}
LENGTHS = (10, 80)
"""Words of a message whose reading is timed."""
_numbers = count(1)


def story(persona: Persona, language: Language, number: int, tokens: int) -> ThinkWork:
    """A prompt that is answered at length; the same for the same number, so that its beginning is cached."""
    who, what = WHO[language][number % 4], WHAT[language][number // 4 % 4]
    return ThinkWork(persona.messages([Message("user", STORY[language].format(who, what))]), tokens)


def unread(persona: Persona, language: Language, words: int) -> ThinkWork:
    """A prompt with a last message of so many words that no cache has seen, to be answered by a token."""
    text = " ".join(SENTENCES[language][-1])
    pool: Sequence[str] = text.split() if language == "en" else text
    start = next(_numbers)  # first of all a number: whatever follows one that is new must be read
    said = (" " if language == "en" else "").join(pool[(start + place) % len(pool)] for place in range(words))
    return ThinkWork(persona.messages([Message("user", f"{start * 7919} {said}")]), 1)
