"""One small family of errors, caught by meaning.

Every error has a `code` that is part of the protocol, and a message for people that says what was wrong, with
which value, and what to do.
"""

from typing import ClassVar


class PolytalkError(Exception):
    """The root of the family."""

    code: ClassVar[str] = "server_error"

    @property
    def message(self) -> str:
        """The text for people."""
        return str(self.args[0]) if self.args else self.code


class BadInput(PolytalkError):
    """The caller's data can't be used; nothing was changed."""

    code = "invalid_value"

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.detail = code or self.code


class Unspeakable(BadInput):
    """The text has no character that the voice can say."""

    code = "unspeakable_text"


class Cancelled(PolytalkError):
    """The work was interrupted by the user; its result is not wanted any more."""

    code = "cancelled"


class Expired(PolytalkError):
    """The work's deadline passed before it could be done."""

    code = "expired"


class Shed(PolytalkError):
    """Refused for want of capacity. `retry_after` says in how many seconds to try again."""

    code = "at_capacity"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OverQuota(Shed):
    """A key or a tenant has used up what it may use; others may still come."""

    code = "rate_limit_exceeded"


class EngineFailed(PolytalkError):
    """An engine, or the server behind it, could not do the work."""

    code = "engine_failed"


class BadCall(EngineFailed):
    """The LLM called a function that there is not, or with arguments that are no JSON object."""

    code = "invalid_function_call"


class WorkerLost(PolytalkError):
    """The worker that held the job is gone."""

    code = "worker_lost"


class StoreLost(PolytalkError):
    """The database can't be reached, or takes no writes (a full disk, say)."""

    code = "store_unavailable"


class SetupError(PolytalkError):
    """The installation can't run as configured; the message says how to mend it."""

    code = "setup"


class ModelMissing(SetupError):
    """A model package is not installed."""

    code = "model_missing"


class ModelCorrupt(SetupError):
    """A model file is not the one this version was tested with."""

    code = "model_corrupt"


class ConfigError(SetupError):
    """A setting has a value that can't be used."""

    code = "config"


def by_code(code: str, message: str) -> PolytalkError:
    """The error that `Failure(code, message)` stands for.

    A code of no class here (an engine of a user's package may bring its own) gives `EngineFailed`.
    """
    simple: tuple[type[PolytalkError], ...] = (Unspeakable, BadInput, Cancelled, Expired, EngineFailed, WorkerLost)
    for kind in simple:
        if kind.code == code:
            return kind(message)
    return EngineFailed(message)
