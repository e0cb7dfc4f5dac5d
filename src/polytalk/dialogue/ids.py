"""Identifiers: a prefix that says what it names, and 96 random bits."""

import secrets


def new_id(prefix: str) -> str:
    """Such as `item_f81d4fae7dec11d0a765`; never repeated, never guessable."""
    return f"{prefix}_{secrets.token_hex(12)}"
