"""What of a text may be read aloud."""

import re


def speakable(text: str, language: str) -> str:
    """The text as one line, or "" when nothing can be said."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if any(char.isalnum() for char in line) else ""
