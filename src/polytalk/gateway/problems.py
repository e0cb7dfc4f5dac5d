"""The one error body of every HTTP answer: `{"error": {message, type, param, code}}`."""

from starlette.responses import JSONResponse


def problem(
    status: int, message: str, code: str, kind: str = "invalid_request_error", param: str | None = None
) -> JSONResponse:
    """An HTTP error; for a WebSocket it is sent instead of the upgrade."""
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)
