"""Multipart forms with one file, bounded while they are read."""

import asyncio

from msgspec import Struct
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from polytalk.errors import BadInput
from polytalk.gateway.bodies import linger, stated_length, too_slow

FIELD_BYTES = 16_384
FIELDS = 12
SECONDS = 120.0
"""From the first byte of a form to its last."""


class Form(Struct, frozen=True):
    """What was sent."""

    file: bytes | None
    fields: tuple[tuple[str, str], ...]
    """Names and values in order; a name may come again."""
    name: str = ""
    """Of the file, as the client has it."""


async def read_form(request: Request, file_field: str, most: int) -> tuple[bytes, dict[str, str]]:
    """The picture, of at most `most` bytes, and the other fields. Raises BadInput."""
    form = await read_upload(request, file_field, most, code="picture_too_large")
    if form.file is None:
        raise no_file(file_field)
    return form.file, dict(form.fields)


async def read_upload(
    request: Request,
    file_field: str,
    most: int,
    *,
    code: str = "file_too_large",
    field_bytes: int = FIELD_BYTES,
    other: str = "",
) -> Form:
    """A form with at most one file, of `most` bytes; `code` is that of a larger one. Raises BadInput.

    `other` is a further name that the file's field may have.
    """
    bound = most + FIELDS * field_bytes
    if stated_length(request) > bound:
        raise _too_large(most, code)
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > bound:
            await linger(request)
            raise _too_large(most, code)
        return message

    whole = Request(request.scope, bounded)
    try:
        async with asyncio.timeout(SECONDS):
            form = await whole.form(max_files=1, max_fields=FIELDS, max_part_size=field_bytes)
    except HTTPException as error:
        raise BadInput(f"the form can't be read: {error.detail}", code="form_invalid") from None
    except TimeoutError:
        raise too_slow(SECONDS) from None
    try:
        file = form.get(file_field) or form.get(other)
        known = (file_field, other)
        strays = [name for name, value in form.multi_items() if isinstance(value, UploadFile) and name not in known]
        if strays:
            raise BadInput(f"the file belongs into the field {file_field!r}", code="form_invalid", param=strays[0])
        data = await file.read() if isinstance(file, UploadFile) else None
        if data is not None and len(data) > most:
            raise _too_large(most, code)
        fields = tuple((name, value) for name, value in form.multi_items() if isinstance(value, str))
        return Form(data, fields, (file.filename or "") if isinstance(file, UploadFile) else "")
    finally:
        await form.close()


def no_file(field: str) -> BadInput:
    """The form came without its file."""
    return BadInput(f"send multipart/form-data with a file in the field {field!r}", code="form_invalid", param=field)


def _too_large(most: int, code: str) -> BadInput:
    return BadInput(f"the upload is larger than {most / 1e6:.3g} MB", code=code)
