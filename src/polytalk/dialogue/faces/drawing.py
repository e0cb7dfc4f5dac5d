"""Who draws an avatar: an engine of the settings, which live faces and clips are both drawn by."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from polytalk.avatar.library import Bundle
from polytalk.config import Settings
from polytalk.dialogue.faces.face import Painter
from polytalk.engines import registry
from polytalk.engines.base import SynthesiseEngine
from polytalk.engines.revision import revision
from polytalk.errors import BadInput, EngineFailed, PolytalkError
from polytalk.types import Pictures, SynthesiseWork

LIBRARIES = ("thorvg-cython", "opencv-python-headless", "numpy")


def painting(engines: Sequence[SynthesiseEngine], avatar: Bundle) -> tuple[SynthesiseEngine, Painter]:
    """The first of the engines that can draw the avatar. Raises BadInput."""
    for engine in engines:
        if engine.draws(avatar):
            folder = "" if avatar.shipped else str(avatar.folder)
            return engine, Painter(engine.name, engine.hears, avatar.motion, folder, _looks(engine, avatar))
    raise BadInput(
        f"no engine here draws the avatar {avatar.id!r}; name one under [[synthesise]] in the settings, or leave the "
        "drawing to the client"
    )


class Drawing:
    """One avatar's engine for a clip that no server makes; read and started when it first draws. Blocking.

    A context manager: leaving it ends the engine. Raises BadInput for an avatar that no engine here draws.
    """

    def __init__(self, settings: Settings, avatar: Bundle) -> None:
        self.avatar = avatar
        engines = [registry.create("synthesise", one.engine, one.options) for one in settings.synthesise_choices()]
        found, self.painter = painting(engines, avatar)
        self._engine: Any = found
        self._loaded = False

    def draw(self, work: SynthesiseWork) -> Pictures:
        """Raises what the engine raised, SetupError when it lacks a model."""
        if not self._loaded:
            self._engine.load()
            self._loaded = True
            if settle := getattr(self._engine, "settle", None):
                settle(work)
        result: Pictures | PolytalkError = self._engine.run([work])[0]
        if isinstance(result, PolytalkError):
            raise result
        return checked(result, self.painter.engine, work.count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()


def checked(result: object, engine: str, count: int) -> Pictures:
    """An engine's answer to a work of so many pictures. Raises EngineFailed for anything else."""
    if not isinstance(result, Pictures) or result.count != count:
        raise EngineFailed(f"{engine} was asked for {count} pictures and gave something else")
    return result


def _looks(engine: SynthesiseEngine, avatar: Bundle) -> str:
    find: Callable[[], tuple[str, ...]] = getattr(engine, "weights", tuple)
    return _looks_of(avatar.digest, engine.name, *find())


@lru_cache(maxsize=256)
def _looks_of(*facts: str) -> str:
    code = [revision(package) for package in ("polytalk.avatar", "polytalk.avatar.drawn", "polytalk.avatar.photo")]
    return revision("polytalk.engines.synthesise", weights=[*code, *facts], libraries=LIBRARIES)
