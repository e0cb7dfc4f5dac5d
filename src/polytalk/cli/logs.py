"""What is logged, and how: one line for each entry, and nothing that people said."""

import logging
import re
import sys

TALKATIVE = ("uvicorn", "websockets", "aiosqlite", "sqlalchemy", "asyncpg", "httpx", "httpcore", "openai", "aiortc")
"""Libraries that log frames, statements or bodies at the level debug."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLine(logging.Formatter):
    """Escapes what clients could begin a line with, or steer a terminal by; tracebacks stay as they are."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """See logging."""
        line = super().formatMessage(record)
        return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), line)


def configure(level: str, content: bool = False) -> None:
    """Log to standard error; `content` lets libraries tell all that they would."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in TALKATIVE:
        least = logging.NOTSET if content else max(logging.INFO, logging.getLogger().level)
        logging.getLogger(name).setLevel(least)
