"""Bodies of requests: bounded in size and time before anything is made of them."""

import asyncio
import re
from contextlib import suppress
from typing import TypeVar

import msgspec
from starlette.requests import Request

from polytalk.errors import BadInput
from polytalk.types import Seconds

T = TypeVar("T")
SECONDS: Seconds = 30.0
"""From the first byte of a JSON body to its last."""
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding raises for bytes that are no JSON, or JSON nested beyond reason."""
LINGER: Seconds = 1.0
LINGER_BYTES = 1 << 20


def stated_length(request: Request) -> int:
    """What the client says that it sends; 0 where it says nothing."""
    stated = request.headers.get("content-length", "0")
    return int(stated) if stated.isdigit() else 0


async def read_json(request: Request, kind: type[T], most: int) -> T:
    """The body as a `kind`. Raises BadInput: too large, too slow, no JSON, a field that can't be used."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise BadInput(f"send application/json, not {media_type[:100]}", code="unsupported_media_type")
    return decode(await read_bytes(request, most), kind)


async def read_bytes(request: Request, most: int) -> bytes:
    """The whole body. Raises BadInput: too large, too slow."""
    if stated_length(request) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    await linger(request)
                    raise _too_large(most)
    except TimeoutError:
        raise too_slow(SECONDS) from None
    return bytes(body)


def decode(body: bytes, kind: type[T]) -> T:
    """See `read_json`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise at_fault(error) from None
    except UNREADABLE as error:
        raise BadInput(f"the body is no JSON: {error}", code="invalid_json") from None


def at_fault(error: msgspec.ValidationError) -> BadInput:
    """What was wrong with which field."""
    what, where = place_of(error)
    return BadInput(what, param=where or _named_field(what))


def place_of(error: msgspec.ValidationError) -> tuple[str, str | None]:
    """What is wrong, and the path to it, if it is in a field."""
    what, _, where = str(error).partition(" - at `")
    path = where.rpartition("$")[2]  # of a key there is more: key` in `$.metadata
    return what, path.rstrip("`").lstrip(".") or None


async def linger(request: Request) -> None:
    """Throw away a little more of a body that is refused: a socket closed over unread data loses the answer."""
    dropped = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            async for chunk in request.stream():
                dropped += len(chunk)
                if dropped > LINGER_BYTES:
                    return


def too_slow(seconds: Seconds) -> BadInput:
    """A body that did not arrive in time."""
    return BadInput(f"the request did not arrive within {seconds:.0f} s", code="request_timeout")


def _too_large(most: int) -> BadInput:
    return BadInput(f"the body is larger than {most} bytes", code="body_too_large")


def _named_field(what: str) -> str | None:
    """Of an unknown field, or of one that is missing."""
    named = re.search(r"field `(.+)`$", what)
    return named.group(1)[:80] if named else None
