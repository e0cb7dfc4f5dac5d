"""Which avatars a request may know of: those of nobody, and its tenant's own.

Set by `auth` once it knows who asks, for the task that serves the request; what asks for no client (warming up, a
command) sees all. Everything in the gateway that names an avatar to a client, or takes its name from one, looks at the
library through this.
"""

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TypeVar

from polytalk.avatar.library import Bundle
from polytalk.errors import BadInput

V = TypeVar("V")

_hidden: ContextVar[tuple[str, Mapping[str, str]] | None] = ContextVar("hidden", default=None)


def look_as(tenant: str, owners: Mapping[str, str], everything: bool = False) -> None:
    """From now on this task sees what the tenant sees; `owners`: avatar -> tenant, as it is at any time."""
    _hidden.set(None if everything else (tenant, owners))


def visible(avatar: str) -> bool:
    """Whether there is such an avatar for whoever asks, if there is one at all."""
    looking = _hidden.get()
    return looking is None or looking[1].get(avatar, looking[0]) == looking[0]


class Visible(Mapping[str, V]):
    """A mapping by avatar, without those that are others'."""

    def __init__(self, all_of_them: Mapping[str, V]) -> None:
        self._all = all_of_them

    def __getitem__(self, avatar: str) -> V:
        if not visible(avatar):
            raise KeyError(avatar)
        return self._all[avatar]

    def __iter__(self) -> Iterator[str]:
        return (avatar for avatar in self._all if visible(avatar))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def find(library: Mapping[str, Bundle], avatar: str) -> Bundle:
    """One that may be seen. Raises BadInput."""
    seen = Visible(library)
    if avatar not in seen:
        known = ", ".join(seen)
        raise BadInput(
            f"there is no avatar {avatar[:80]!r}; the avatars here are {known}", code="model_not_found", param="model"
        )
    return seen[avatar]
