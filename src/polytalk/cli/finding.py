"""What `polytalk doctor` says."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One line of the report."""

    good: bool
    what: str
    found: str
    advice: str = ""
    needed: bool = True
    """Whether the server can't run without it."""
