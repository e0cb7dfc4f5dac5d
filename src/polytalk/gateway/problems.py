"""The one error body of every HTTP answer: `{"error": {message, type, param, code}}`."""

from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import JSONResponse

from polytalk.errors import BadInput, Cancelled, PolytalkError, Shed, StoreLost

STATUSES = {
    "avatar_shared": 403,
    "model_not_found": 404,
    "file_not_found": 404,
    "video_not_found": 404,
    "key_not_found": 404,
    "call_not_found": 404,
    "viewer_not_found": 404,
    "session_not_found": 404,
    "tenant_not_found": 404,
    "request_timeout": 408,
    "avatar_exists": 409,
    "avatar_in_use": 409,
    "video_not_ready": 409,
    "key_not_valid": 409,
    "tenant_exists": 409,
    "picture_too_large": 413,
    "renegotiation_not_supported": 409,
    "body_too_large": 413,
    "file_too_large": 413,
    "unsupported_media_type": 415,
}
"""Of bad input, by its code; 400 for the rest."""


_OTHERS = {
    "invalid_api_key": 401,
    "insufficient_scope": 403,
    "at_capacity": 429,
    "rate_limit_exceeded": 429,
    "too_many_attempts": 429,
    "engine_failed": 500,
    "not_ready": 503,
    "photos_not_set_up": 503,
    "store_unavailable": 503,
}
"""Of what is no bad input."""


class Fault(Struct, frozen=True):
    """What was wrong, with which value, and what to do."""

    message: str
    type: str
    param: str | None
    """The field at fault."""
    code: str


class Problem(Struct, frozen=True):
    """The body of every error."""

    error: Fault


def status_of(code: str) -> int:
    """The status with which an error of a code is answered."""
    return STATUSES.get(code) or _OTHERS.get(code, 400)


def problem(
    status: int, message: str, code: str, kind: str = "invalid_request_error", param: str | None = None
) -> JSONResponse:
    """An HTTP error; for a WebSocket it is sent instead of the upgrade."""
    return JSONResponse(_body(message, kind, param, code), status)


def error_body(error: PolytalkError) -> dict[str, Any]:
    """The body for an error of ours."""
    if isinstance(error, BadInput):
        return _body(error.message, "invalid_request_error", error.param, error.detail)
    return _body(error.message, "rate_limit_error" if isinstance(error, Shed) else "server_error", None, error.code)


def answer_to(error: PolytalkError) -> JSONResponse:
    """The answer for an error of ours that nobody has dealt with."""
    if isinstance(error, BadInput):
        return JSONResponse(error_body(error), STATUSES.get(error.detail, 400))
    if isinstance(error, Shed):
        return JSONResponse(error_body(error), 429, {"retry-after": str(max(1, round(error.retry_after)))})
    if isinstance(error, StoreLost):
        return JSONResponse(error_body(error), 503, {"retry-after": "5"})
    return JSONResponse(error_body(error), 503 if isinstance(error, Cancelled) else 500)


def _body(message: str, kind: str, param: str | None, code: str) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(Problem(Fault(message, kind, param, code)))
    return body
