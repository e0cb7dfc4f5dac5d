"""What there is to choose from: `/v1/models` and `/v1/voices`."""

from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.names import Model, Names, Purpose
from polytalk.gateway.rest.answers import Json


class ModelObject(Struct, frozen=True):
    """A name that may be given as `model`."""

    id: str
    purpose: Purpose
    """Where it may be given."""
    of: str
    """The avatar or engine that it means."""
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "polytalk"


class ModelList(Struct, frozen=True):
    """All of them."""

    data: list[ModelObject]
    object: Literal["list"] = "list"


class VoiceObject(Struct, frozen=True):
    """A voice."""

    id: str
    name: str
    languages: tuple[str, ...]
    """ISO 639-1."""
    gender: str
    object: Literal["voice"] = "voice"


class VoiceList(Struct, frozen=True):
    """All of them."""

    data: list[VoiceObject]
    object: Literal["list"] = "list"


class Catalogue:
    """The routes."""

    def __init__(self, runtime: Runtime, names: Names) -> None:
        self._runtime = runtime
        self._names = names

    async def voices(self, _: Request) -> Response:
        """All voices."""
        return Json(
            VoiceList([VoiceObject(one.id, one.name, one.languages, one.gender) for one in self._runtime.voices.all()])
        )

    async def models(self, _: Request) -> Response:
        """Avatars, engines, and other names for them."""
        return Json(ModelList([_shown(model) for model in self._names.all()]))

    async def model(self, request: Request) -> Response:
        """One of them, also by a dated name that clients of other servers use."""
        return Json(_shown(self._names.find(request.path_params["model"])))


def _shown(model: Model) -> ModelObject:
    return ModelObject(model.id, model.purpose, model.of)
