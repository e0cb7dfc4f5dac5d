"""Words that are on their way: an utterance that is being transcribed."""

import asyncio
from typing import TypeAlias

from polytalk.types import Transcript

Words: TypeAlias = asyncio.Future[Transcript]
"""What an utterance will turn out to say; raises PolytalkError. Cancelling who waits for it does it no harm."""
