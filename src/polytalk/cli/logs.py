"""What is logged, and how: one line for each entry, and nothing that people said."""

import logging
import re
import sys
from typing import Any

TALKATIVE = ("uvicorn", "websockets", "aiosqlite", "sqlalchemy", "asyncpg", "httpx", "httpcore", "openai", "aiortc")
"""Libraries that log frames, statements or bodies at the level debug."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLine(logging.Formatter):
    """Escapes what clients could begin a line with, or steer a terminal by. Lines of tracebacks are indented: what
    an exception says may have several."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """See logging."""
        return _escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """See logging."""
        return "\n".join(f"  {_escaped(line)}" for line in super().formatException(ei).split("\n"))


def _escaped(line: str) -> str:
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), line)


def configure(level: str, content: bool = False) -> None:
    """Log to standard error; `content` lets libraries tell all that they would."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in TALKATIVE:
        least = logging.NOTSET if content else max(logging.INFO, logging.getLogger().level)
        logging.getLogger(name).setLevel(least)
