"""Speech of words that have most likely ended: begun one token before it is certain.

A mark ends a clause only if a space follows, and "with" begins the next phrase only if it is not "within". The token
that tells takes half as long as the voice's work, so that work begins without it, where capacity would idle.
"""

from collections.abc import Callable

from polytalk.dialogue.answers.speaking import Rendering


class LikelySpeech:
    """Of one turn: at most one sentence at a time."""

    def __init__(self, speak: Callable[[str], Rendering]) -> None:
        """`speak` has a sentence said."""
        self._speak = speak
        self._begun: tuple[str, Rendering] | None = None

    async def expect(self, sentence: str) -> None:
        """This is probably next; "" when nothing is known of it."""
        if sentence and (self._begun is None or self._begun[0] != sentence):
            await self.drop()
            self._begun = (sentence, self._speak(sentence))

    async def take(self, sentence: str) -> Rendering | None:
        """This is next: what was begun of it, or None. What was begun of another sentence ends."""
        if self._begun is None or self._begun[0] != sentence:
            await self.drop()
            return None
        (_, rendering), self._begun = self._begun, None
        return rendering

    async def drop(self) -> None:
        """What was begun is not wanted."""
        begun, self._begun = self._begun, None
        if begun is not None:
            await begun[1].aclose()
