"""How long what clients name may be: as the published API has it, where it says.

They stand in the types of what is read, so that decoding refuses what is too long, and names the field.
"""

from typing import Annotated, TypeAlias

from msgspec import Meta

MOST_PAIRS = 16
LONGEST_ID = 64

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
