"""Multipart forms with one file, bounded while they are read."""

import asyncio

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from polytalk.errors import BadInput

FIELD_BYTES = 16_384
FIELDS = 12
SECONDS = 60.0
"""From the first byte of a form to its last."""


async def read_form(request: Request, file_field: str, most: int) -> tuple[bytes, dict[str, str]]:
    """The file, of at most `most` bytes, and the other fields. Raises BadInput."""
    bound = most + FIELDS * FIELD_BYTES
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > bound:
        raise _too_large(most)
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > bound:
            raise _too_large(most)
        return message

    whole = Request(request.scope, bounded)
    try:
        async with asyncio.timeout(SECONDS):
            form = await whole.form(max_files=1, max_fields=FIELDS, max_part_size=FIELD_BYTES)
    except HTTPException as error:
        raise BadInput(f"the form can't be read: {error.detail}", code="form_invalid") from None
    except TimeoutError:
        raise BadInput(f"the form did not arrive within {SECONDS:.0f} s", code="form_invalid") from None
    try:
        file = form.get(file_field)
        if not isinstance(file, UploadFile):
            raise BadInput(
                f"send multipart/form-data with a file in the field {file_field!r}",
                code="form_invalid",
                param=file_field,
            )
        data = await file.read()
        if len(data) > most:
            raise _too_large(most)
        return data, {name: value for name, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()


def _too_large(most: int) -> BadInput:
    return BadInput(f"the upload is larger than {most // 1_000_000} MB", code="picture_too_large")
