"""Engines by name, from entry points: a user's package adds one without touching this project."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from polytalk.errors import ConfigError

GROUP = "polytalk.engines"
KINDS = ("vad", "asr", "llm", "tts", "analyse", "mouth", "synthesise", "embed")


def names(kind: str) -> list[str]:
    """The engines that can be chosen for a kind, sorted."""
    return sorted(point.name for point in entry_points(group=f"{GROUP}.{kind}"))


def create(kind: str, name: str, options: Mapping[str, object]) -> Any:
    """The engine registered as `name`, made with its options but not loaded.

    Raises ConfigError for an unknown name, a package that can't be imported, or options that do not fit.
    """
    for point in entry_points(group=f"{GROUP}.{kind}", name=name):
        try:
            factory = point.load()
        except ImportError as error:
            raise ConfigError(f"the {kind} engine {name!r} ({point.value}) can't be imported: {error}") from error
        return factory(options)
    raise ConfigError(f"there is no {kind} engine named {name!r}; installed are: {', '.join(names(kind)) or 'none'}")
