"""A session object that somebody else than the client gives: a client secret's."""

from collections.abc import Mapping
from typing import Any

import msgspec

from polytalk.errors import BadInput
from polytalk.gateway.bodies import at_fault
from polytalk.gateway.realtime.session_patch import SessionPatch


def patch_of(session: Mapping[str, Any]) -> SessionPatch:
    """As `session.update` would have it; `model` besides. Raises BadInput with `param` below `session`."""
    model = session.get("model")
    if model is not None and not isinstance(model, str):
        raise BadInput("model is the name of an avatar", param="session.model")
    try:
        return msgspec.convert(dict(session), SessionPatch)
    except msgspec.ValidationError as error:
        fault = at_fault(error)
        raise BadInput(fault.message, param=f"session.{fault.param}" if fault.param else "session") from None
