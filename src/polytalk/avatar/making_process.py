"""`making.make` in a process of its own, for a server whose event loop has better things to do.

In on stdin: one line of JSON (`Request`), then the photograph. Out on stdout: lines of JSON (`Report`), the last with
`done` or `error`. What a picture does to a decoder it does to a process that is bounded, and ends.
"""

import os
import resource
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from polytalk.avatar.checks import Unsuitable
from polytalk.avatar.making import Order, make
from polytalk.errors import BadInput, PolytalkError

MEMORY_BYTES = 6 << 30
"""Of address space."""
CPU_SECONDS = 300
NICENESS = 10
"""Conversations come first."""


class Request(Struct, frozen=True):
    """What to make, and where."""

    order: Order
    folder: str
    cache: str


class Trouble(Struct, frozen=True):
    """Why nothing was made."""

    code: str
    message: str
    param: str | None = None
    bad_input: bool = True
    """Whether it is the caller's fault."""
    findings: list[Any] = []


class Report(Struct, frozen=True, omit_defaults=True):
    """A line of what the process says."""

    step: str = ""
    progress: float = 0.0
    done: bool = False
    error: Trouble | None = None


def main() -> None:
    """Serve one request."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    photograph = sys.stdin.buffer.read()
    try:
        make(photograph, request.order, Path(request.folder), Path(request.cache), _progress)
    except PolytalkError as error:
        _say(Report(error=trouble(error)))
    else:
        _say(Report(done=True, progress=1.0))


def trouble(error: PolytalkError) -> Trouble:
    """An error as it is reported."""
    findings = [msgspec.to_builtins(found) for found in error.findings] if isinstance(error, Unsuitable) else []
    if isinstance(error, BadInput):
        return Trouble(error.detail, error.message, error.param, True, findings)
    return Trouble(error.code, error.message, bad_input=False)


def _progress(step: str, share: float) -> None:
    _say(Report(step=step, progress=share))


def _say(report: Report) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
