"""What a client means by `model`: an avatar, an engine, or a name that examples for other servers use."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from polytalk.avatar.library import Bundle
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput
from polytalk.gateway.viewing import Visible, find

Purpose: TypeAlias = Literal["conversation", "chat", "speech", "transcription", "video"]
STOCK: dict[Purpose, tuple[str, ...]] = {
    "conversation": ("avatar-1", "gpt-realtime", "gpt-4o-realtime", "gpt-audio"),
    "chat": ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "gpt-3.5-turbo"),
    "speech": ("tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
    "transcription": ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    "video": ("sora-2", "sora-2-pro"),
}
"""Beginnings of such names: they often end with a date."""


class Model(Struct, frozen=True):
    """One name that there is."""

    id: str
    purpose: Purpose
    of: str
    """The avatar or the engine that it means."""


class Names:
    """Those of one server."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._avatars = Visible(runtime.avatars)
        kit = runtime.kit
        self._engines: dict[Purpose, tuple[str, ...]] = {
            "chat": (kit.llm,),
            "speech": tuple(kit.voices.engines),
            "transcription": (kit.asr,),
        }

    def all(self) -> Iterator[Model]:
        """Avatars, the default one first; engines; the names of the settings; those of other servers."""
        seen: set[str] = set()
        for model in self._all():
            if model.id not in seen:
                seen.add(model.id)
                yield model

    def _all(self) -> Iterator[Model]:
        default = self._runtime.settings.avatar
        for avatar in sorted(self._avatars, key=lambda one: one != default):
            yield Model(avatar, "conversation", avatar)
        for purpose, engines in self._engines.items():
            yield from (Model(engine, purpose, engine) for engine in engines)
        known = dict.fromkeys(self._avatars, "conversation") | {
            engine: purpose for purpose, engines in self._engines.items() for engine in engines
        }
        for alias, target in self._runtime.settings.aliases.items():
            if target in known:
                yield Model(alias, known[target], target)  # type: ignore[arg-type]
        for purpose, names in STOCK.items():
            yield from (Model(name, purpose, self._stock_target(purpose)) for name in names)

    def find(self, name: str) -> Model:
        """One of `all`. Raises BadInput."""
        for model in self.all():
            if model.id == name:
                return model
        begun = [
            (len(stock), purpose) for purpose, names in STOCK.items() for stock in names if _begins(name, (stock,))
        ]
        if begun:
            _, purpose = max(begun)
            return Model(name, purpose, self._stock_target(purpose))
        raise self._unknown(name)

    def avatar(self, name: str | None, purpose: Purpose = "conversation") -> Bundle:
        """Whom a name means; the default one where none is given. Raises BadInput."""
        target = self._target(name)
        if target is None or (target not in self._avatars and _begins(target, STOCK[purpose])):
            target = self._runtime.settings.avatar
        return self._avatar(target)

    def chat(self, name: str) -> Bundle | None:
        """The avatar that answers in character, or None for the language model itself. Raises BadInput."""
        target = self._target(name) or ""
        if target in self._avatars:
            return self._avatar(target)
        if target in self._engines["chat"] or _begins(target, STOCK["chat"]):
            return None
        if _begins(target, STOCK["conversation"]):
            return self._avatar(self._runtime.settings.avatar)
        raise self._unknown(name)

    def check(self, name: str, purpose: Purpose) -> Bundle | None:
        """That a name means an engine for a purpose, or an avatar, which is returned. Raises BadInput."""
        target = self._target(name) or ""
        if target in self._avatars:
            return self._avatar(target)
        if target in self._engines[purpose] or _begins(target, STOCK[purpose]):
            return None
        raise self._unknown(name)

    def _avatar(self, name: str) -> Bundle:
        return find(self._runtime.avatars, name)

    def _target(self, name: str | None) -> str | None:
        return None if name is None else self._runtime.settings.aliases.get(name, name)

    def _stock_target(self, purpose: Purpose) -> str:
        engines = self._engines.get(purpose)
        return engines[0] if engines else self._runtime.settings.avatar

    def _unknown(self, name: str) -> BadInput:
        known = ", ".join(model.id for model in self.all())
        return BadInput(
            f"there is no model {name[:100]!r} here; there are {known}", code="model_not_found", param="model"
        )


def _begins(name: str, stock: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}-") for one in stock)
