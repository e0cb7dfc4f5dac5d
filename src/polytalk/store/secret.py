"""Keys and client secrets: how they are made, written, and told apart. Pure.

    pt_0f1e2d3c4b5a_<43 characters>     a key
    ek_0f1e2d3c4b5a_<43 characters>     a client secret, which lives for minutes

The part up to the second underscore is the id, which may be shown and logged; the rest is 256 random bits in
URL-safe base64. All of it is characters that HTTP allows in a subprotocol's name. Kept is the id and the SHA-256 of the
whole: with so many random bits a slow hash would protect nothing.
"""

import hashlib
import hmac
import re
import secrets
from typing import Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["pt", "ek"]

_SHAPE = re.compile(r"((?:pt|ek)_[0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


class Made(Struct, frozen=True):
    """A new secret. `value` is shown once, and kept nowhere."""

    id: str
    value: str
    digest: str


def make(kind: Kind) -> Made:
    """A new one."""
    name = f"{kind}_{secrets.token_hex(6)}"
    value = f"{name}_{secrets.token_urlsafe(32)}"
    return Made(name, value, digest(value))


def id_of(token: str) -> str | None:
    """The id of what looks like one of ours, else None: no database is asked about anything else."""
    shaped = _SHAPE.fullmatch(token)
    return None if shaped is None else shaped[1]


def digest(token: str) -> str:
    """What is kept of it: 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(token: str, kept: str) -> bool:
    """Whether it is the one that was kept, in a time that tells nothing."""
    return hmac.compare_digest(digest(token), kept)
