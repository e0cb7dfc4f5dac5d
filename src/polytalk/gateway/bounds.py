"""How long what clients name may be: as the published API has it, where it says.

They stand in the types of what is read, so that decoding refuses what is too long, and names the field.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from polytalk.errors import BadInput

MOST_PAIRS = 16
LONGEST_ID = 64
MOST_DEEP = 64
"""Lists and objects within each other, in JSON of a client's own shape."""

Id: TypeAlias = Annotated[str, Meta(max_length=LONGEST_ID)]
"""Of an item, a call, an answer, a prompt; a voice or an avatar by its name."""
EventId: TypeAlias = Annotated[str, Meta(max_length=512)]
Label: TypeAlias = Annotated[str, Meta(max_length=256)]
"""What is shown again and means nothing here."""
Key: TypeAlias = Annotated[str, Meta(max_length=64)]
Metadata: TypeAlias = Annotated[dict[Key, Annotated[str, Meta(max_length=512)]], Meta(max_length=MOST_PAIRS)]
"""Of an answer, or a chat."""
Language: TypeAlias = Annotated[str, Meta(max_length=35)]
"""The longest tag that RFC 5646 (4.4.1) wants room for."""
Whole: TypeAlias = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""A number that every reader of JSON has (RFC 8259, 6); larger ones can be read here, and neither shown nor divided."""


def written(given: object, param: str) -> bytes:
    """JSON of a client's own shape, as it is sent on. Raises BadInput for what is nested so deeply that it can be read
    and not be written again."""
    try:
        plain = msgspec.to_builtins(given)
        deep = _deep(plain, MOST_DEEP)
    except RecursionError:
        deep = True
    if deep:
        raise BadInput(f"{param} may have {MOST_DEEP} lists and objects within each other", param=param)
    return msgspec.json.encode(plain)


def _deep(value: Any, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(_deep(one, left - 1) for one in inner)
