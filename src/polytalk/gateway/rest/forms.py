"""A form's fields as a Struct, as a JSON body is read into one."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from polytalk.errors import BadInput
from polytalk.gateway.bodies import at_fault
from polytalk.gateway.uploads import Form

T = TypeVar("T")


def fields_of(form: Form, kind: type[T], *, lists: Sequence[str] = ()) -> T:
    """The fields; those of `lists` may come again, as `name` or `name[]`. Raises BadInput."""
    found: dict[str, object] = {}
    for key, value in form.fields:
        name = key.removesuffix("[]")
        if name in lists:
            known = found.setdefault(name, [])
            assert isinstance(known, list)
            known.append(value)
        elif name in found:
            raise BadInput(f"the field {key[:80]!r} comes twice", code="form_invalid", param=key[:80])
        else:
            found[key] = value
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        raise at_fault(error) from None
