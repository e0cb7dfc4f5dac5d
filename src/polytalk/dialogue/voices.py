"""Which voice says what: by id, by alias, and by the language of the text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from polytalk.engines.base import Voice
from polytalk.errors import BadInput, ConfigError

STOCK_FEMALE = ("alloy", "coral", "nova", "sage", "shimmer", "marin")
STOCK_MALE = ("ash", "ballad", "echo", "fable", "onyx", "verse", "cedar")
"""Names that clients written for other servers ask for, by the sound people expect of them."""


class VoiceRoute(Struct, frozen=True):
    """A voice and the engine that has it."""

    engine: str
    voice: Voice


def language_of(text: str) -> str:
    """zh when any Chinese character is in the text, else en."""
    return "zh" if not text.isascii() and any("\u3400" <= char <= "\u9fff" for char in text) else "en"


class Voices:
    """All voices of all TTS engines."""

    def __init__(self, engines: Iterable[Any], aliases: Mapping[str, str] | None = None) -> None:
        """`aliases`: further names, before those of other servers; what they stand for need not be a voice.

        Raises ConfigError when there is no voice at all.
        """
        self._routes: dict[str, VoiceRoute] = {}
        for engine in engines:
            for voice in engine.voices():
                self._routes.setdefault(voice.id, VoiceRoute(engine.name, voice))
        if not self._routes:
            raise ConfigError("no TTS engine has a voice; name one in [[tts]]")
        own = {name: voice for name, voice in (aliases or {}).items() if voice in self._routes}
        self._aliases = dict(self._stock_aliases()) | own

    def all(self) -> Sequence[Voice]:
        """In the order of the settings."""
        return [route.voice for route in self._routes.values()]

    @property
    def engines(self) -> Sequence[str]:
        """Names of the engines that have them."""
        return list(dict.fromkeys(route.engine for route in self._routes.values()))

    def get(self, name: str) -> VoiceRoute:
        """By id or alias. Raises BadInput."""
        route = self._routes.get(self._aliases.get(name, name))
        if route is None:
            known = ", ".join(self._routes)
            raise BadInput(f"there is no voice {name!r}; the voices here are {known}", param="voice")
        return route

    def first(self) -> VoiceRoute:
        """The default voice."""
        return next(iter(self._routes.values()))

    def for_language(self, name: str, language: str) -> VoiceRoute:
        """The voice itself when it speaks the language, else the nearest that does.

        When none does, the voice itself: its engine says what it can't say.
        """
        wanted = self.get(name)
        if language in wanted.voice.languages:
            return wanted
        able = [route for route in self._routes.values() if language in route.voice.languages]
        alike = [route for route in able if route.voice.gender == wanted.voice.gender]
        return (alike or able or [wanted])[0]

    def _stock_aliases(self) -> Mapping[str, str]:
        def first_of(gender: str) -> str:
            alike = (voice.id for voice in self.all() if voice.gender == gender)
            return next(alike, self.first().voice.id)

        stock = dict.fromkeys(STOCK_FEMALE, first_of("female")) | dict.fromkeys(STOCK_MALE, first_of("male"))
        return {alias: voice for alias, voice in stock.items() if alias not in self._routes}
